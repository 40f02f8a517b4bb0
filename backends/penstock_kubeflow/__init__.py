"""Kubeflow Pipelines: a PipelineSpec, and a PlatformSpec where Kubernetes has to know more."""

from penstock_kubeflow.backend import KubeflowBackend

__all__ = ["KubeflowBackend"]
