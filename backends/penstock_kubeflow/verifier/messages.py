"""The messages of a PipelineSpec, as the protocol has them; the tests compare them with its own."""

from __future__ import annotations

_PARAMETER_TYPE = (
    "enum PARAMETER_TYPE_ENUM_UNSPECIFIED|NUMBER_DOUBLE|NUMBER_INTEGER|STRING|"
    "BOOLEAN|LIST|STRUCT|TASK_FINAL_STATUS|TASK_CONFIG"
)
_PASSED_ON = (
    "enum NONE|RESOURCES|ENV|KUBERNETES_AFFINITY|KUBERNETES_TOLERATIONS|"
    "KUBERNETES_NODE_SELECTOR|KUBERNETES_VOLUMES"
)
_STRATEGY = (
    "enum TRIGGER_STRATEGY_UNSPECIFIED|ALL_UPSTREAM_TASKS_SUCCEEDED|ALL_UPSTREAM_TASKS_COMPLETED"
)
_CONTAINER = "PipelineDeploymentConfig.PipelineContainerSpec"
_ACCELERATOR = f"{_CONTAINER}.ResourceSpec.AcceleratorConfig"

FIELDS: dict[str, dict[str, str]] = {
    "PipelineSpec": {
        "pipelineInfo": "PipelineInfo",
        "deploymentSpec": "PipelineDeploymentConfig",
        "sdkVersion": "string",
        "schemaVersion": "string",
        "components": "map ComponentSpec",
        "root": "ComponentSpec",
        "defaultPipelineRoot": "string",
    },
    "PipelineDeploymentConfig": {
        "executors": "map PipelineDeploymentConfig.ExecutorSpec",
    },
    "PlatformSpec": {
        "platforms": "map SinglePlatformSpec",
    },
    "PipelineInfo": {
        "name": "string",
        "displayName": "string",
        "description": "string",
    },
    "ComponentSpec": {
        "inputDefinitions": "ComponentInputsSpec",
        "outputDefinitions": "ComponentOutputsSpec",
        "dag": "DagSpec",
        "executorLabel": "string",
        "singlePlatformSpecs": "list SinglePlatformSpec",
        "taskConfigPassthroughs": "list TaskConfigPassthrough",
    },
    "PipelineDeploymentConfig.ExecutorSpec": {
        "container": "PipelineDeploymentConfig.PipelineContainerSpec",
        "importer": "PipelineDeploymentConfig.ImporterSpec",
        "resolver": "PipelineDeploymentConfig.ResolverSpec",
        "customJob": "PipelineDeploymentConfig.AIPlatformCustomJobSpec",
    },
    "SinglePlatformSpec": {
        "deploymentSpec": "PlatformDeploymentConfig",
        "platform": "string",
        "config": "Struct",
        "pipelineConfig": "PipelineConfig",
    },
    "ComponentInputsSpec": {
        "artifacts": "map ComponentInputsSpec.ArtifactSpec",
        "parameters": "map ComponentInputsSpec.ParameterSpec",
    },
    "ComponentOutputsSpec": {
        "artifacts": "map ComponentOutputsSpec.ArtifactSpec",
        "parameters": "map ComponentOutputsSpec.ParameterSpec",
    },
    "DagSpec": {
        "tasks": "map PipelineTaskSpec",
        "outputs": "DagOutputsSpec",
    },
    "TaskConfigPassthrough": {
        "field": _PASSED_ON,
        "applyToTask": "bool",
    },
    "PipelineDeploymentConfig.PipelineContainerSpec": {
        "image": "string",
        "command": "list string",
        "args": "list string",
        "lifecycle": "PipelineDeploymentConfig.PipelineContainerSpec.Lifecycle",
        "resources": "PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec",
        "env": "list PipelineDeploymentConfig.PipelineContainerSpec.EnvVar",
    },
    "PipelineDeploymentConfig.ImporterSpec": {
        "artifactUri": "ValueOrRuntimeParameter",
        "typeSchema": "ArtifactTypeSchema",
        "properties": "map ValueOrRuntimeParameter",
        "customProperties": "map ValueOrRuntimeParameter",
        "reimport": "bool",
        "metadata": "Struct",
        "downloadToWorkspace": "bool",
    },
    "PipelineDeploymentConfig.ResolverSpec": {
        "outputArtifactQueries": "map PipelineDeploymentConfig.ResolverSpec.ArtifactQuerySpec",
    },
    "PipelineDeploymentConfig.AIPlatformCustomJobSpec": {
        "customJob": "Struct",
    },
    "PlatformDeploymentConfig": {
        "executors": "map Struct",
    },
    "PipelineConfig": {
        "resourceTtlOnCompletion": "int32",
        "workspace": "WorkspaceConfig",
        "resourceTtlOnSuccess": "int32",
        "resourceTtlOnFailure": "int32",
        "activeDeadlineSeconds": "int32",
    },
    "ComponentInputsSpec.ArtifactSpec": {
        "artifactType": "ArtifactTypeSchema",
        "isArtifactList": "bool",
        "isOptional": "bool",
        "description": "string",
    },
    "ComponentInputsSpec.ParameterSpec": {
        "type": "enum PRIMITIVE_TYPE_UNSPECIFIED|INT|DOUBLE|STRING",
        "parameterType": _PARAMETER_TYPE,
        "defaultValue": "any",
        "isOptional": "bool",
        "description": "string",
        "literals": "list any",
    },
    "ComponentOutputsSpec.ArtifactSpec": {
        "artifactType": "ArtifactTypeSchema",
        "properties": "map ValueOrRuntimeParameter",
        "customProperties": "map ValueOrRuntimeParameter",
        "metadata": "Struct",
        "isArtifactList": "bool",
        "description": "string",
    },
    "ComponentOutputsSpec.ParameterSpec": {
        "type": "enum PRIMITIVE_TYPE_UNSPECIFIED|INT|DOUBLE|STRING",
        "parameterType": _PARAMETER_TYPE,
        "description": "string",
    },
    "PipelineTaskSpec": {
        "taskInfo": "PipelineTaskInfo",
        "inputs": "TaskInputsSpec",
        "dependentTasks": "list string",
        "cachingOptions": "PipelineTaskSpec.CachingOptions",
        "componentRef": "ComponentRef",
        "triggerPolicy": "PipelineTaskSpec.TriggerPolicy",
        "artifactIterator": "ArtifactIteratorSpec",
        "parameterIterator": "ParameterIteratorSpec",
        "retryPolicy": "PipelineTaskSpec.RetryPolicy",
        "iteratorPolicy": "PipelineTaskSpec.IteratorPolicy",
    },
    "DagOutputsSpec": {
        "artifacts": "map DagOutputsSpec.DagOutputArtifactSpec",
        "parameters": "map DagOutputsSpec.DagOutputParameterSpec",
    },
    "PipelineDeploymentConfig.PipelineContainerSpec.Lifecycle": {
        "preCacheCheck": "PipelineDeploymentConfig.PipelineContainerSpec.Lifecycle.Exec",
    },
    "PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec": {
        "cpuLimit": "double",
        "memoryLimit": "double",
        "cpuRequest": "double",
        "memoryRequest": "double",
        "resourceCpuLimit": "string",
        "resourceMemoryLimit": "string",
        "resourceCpuRequest": "string",
        "resourceMemoryRequest": "string",
        "accelerator": _ACCELERATOR,
    },
    "PipelineDeploymentConfig.PipelineContainerSpec.EnvVar": {
        "name": "string",
        "value": "string",
    },
    "ValueOrRuntimeParameter": {
        "constantValue": "Value",
        "runtimeParameter": "string",
        "constant": "any",
    },
    "ArtifactTypeSchema": {
        "schemaTitle": "string",
        "schemaUri": "string",
        "instanceSchema": "string",
        "schemaVersion": "string",
    },
    "PipelineDeploymentConfig.ResolverSpec.ArtifactQuerySpec": {
        "filter": "string",
        "limit": "int32",
    },
    "WorkspaceConfig": {
        "size": "string",
        "kubernetes": "KubernetesWorkspaceConfig",
    },
    "PipelineTaskInfo": {
        "name": "string",
    },
    "TaskInputsSpec": {
        "parameters": "map TaskInputsSpec.InputParameterSpec",
        "artifacts": "map TaskInputsSpec.InputArtifactSpec",
    },
    "PipelineTaskSpec.CachingOptions": {
        "enableCache": "bool",
        "cacheKey": "string",
    },
    "ComponentRef": {
        "name": "string",
    },
    "PipelineTaskSpec.TriggerPolicy": {
        "condition": "string",
        "strategy": _STRATEGY,
    },
    "ArtifactIteratorSpec": {
        "items": "ArtifactIteratorSpec.ItemsSpec",
        "itemInput": "string",
    },
    "ParameterIteratorSpec": {
        "items": "ParameterIteratorSpec.ItemsSpec",
        "itemInput": "string",
    },
    "PipelineTaskSpec.RetryPolicy": {
        "maxRetryCount": "int32",
        "backoffDuration": "Duration",
        "backoffFactor": "double",
        "backoffMaxDuration": "Duration",
    },
    "PipelineTaskSpec.IteratorPolicy": {
        "parallelismLimit": "int32",
    },
    "DagOutputsSpec.DagOutputArtifactSpec": {
        "artifactSelectors": "list DagOutputsSpec.ArtifactSelectorSpec",
    },
    "DagOutputsSpec.DagOutputParameterSpec": {
        "valueFromParameter": "DagOutputsSpec.ParameterSelectorSpec",
        "valueFromOneof": "DagOutputsSpec.ParameterSelectorsSpec",
    },
    "PipelineDeploymentConfig.PipelineContainerSpec.Lifecycle.Exec": {
        "command": "list string",
        "args": "list string",
    },
    _ACCELERATOR: {
        "type": "string",
        "count": "int64",
        "resourceType": "string",
        "resourceCount": "string",
    },
    "Value": {
        "intValue": "int64",
        "doubleValue": "double",
        "stringValue": "string",
    },
    "KubernetesWorkspaceConfig": {
        "pvcSpecPatch": "Struct",
    },
    "TaskInputsSpec.InputParameterSpec": {
        "taskOutputParameter": "TaskInputsSpec.InputParameterSpec.TaskOutputParameterSpec",
        "runtimeValue": "ValueOrRuntimeParameter",
        "componentInputParameter": "string",
        "taskFinalStatus": "TaskInputsSpec.InputParameterSpec.TaskFinalStatus",
        "parameterExpressionSelector": "string",
    },
    "TaskInputsSpec.InputArtifactSpec": {
        "taskOutputArtifact": "TaskInputsSpec.InputArtifactSpec.TaskOutputArtifactSpec",
        "componentInputArtifact": "string",
    },
    "ArtifactIteratorSpec.ItemsSpec": {
        "inputArtifact": "string",
    },
    "ParameterIteratorSpec.ItemsSpec": {
        "raw": "string",
        "inputParameter": "string",
    },
    "DagOutputsSpec.ArtifactSelectorSpec": {
        "producerSubtask": "string",
        "outputArtifactKey": "string",
    },
    "DagOutputsSpec.ParameterSelectorSpec": {
        "producerSubtask": "string",
        "outputParameterKey": "string",
    },
    "DagOutputsSpec.ParameterSelectorsSpec": {
        "parameterSelectors": "list DagOutputsSpec.ParameterSelectorSpec",
    },
    "TaskInputsSpec.InputParameterSpec.TaskOutputParameterSpec": {
        "producerTask": "string",
        "outputParameterKey": "string",
    },
    "TaskInputsSpec.InputParameterSpec.TaskFinalStatus": {
        "producerTask": "string",
    },
    "TaskInputsSpec.InputArtifactSpec.TaskOutputArtifactSpec": {
        "producerTask": "string",
        "outputArtifactKey": "string",
    },
}

ONE_OF: dict[str, tuple[tuple[str, ...], ...]] = {
    "ComponentSpec": (("dag", "executorLabel"),),
    "PipelineDeploymentConfig.ExecutorSpec": (("container", "importer", "resolver", "customJob"),),
    "PipelineTaskSpec": (("artifactIterator", "parameterIterator"),),
    "ValueOrRuntimeParameter": (("constantValue", "runtimeParameter", "constant"),),
    "ArtifactTypeSchema": (("schemaTitle", "schemaUri", "instanceSchema"),),
    "DagOutputsSpec.DagOutputParameterSpec": (("valueFromParameter", "valueFromOneof"),),
    "Value": (("intValue", "doubleValue", "stringValue"),),
    "TaskInputsSpec.InputParameterSpec": (
        ("taskOutputParameter", "runtimeValue", "componentInputParameter", "taskFinalStatus"),
    ),
    "TaskInputsSpec.InputArtifactSpec": (("taskOutputArtifact", "componentInputArtifact"),),
    "ParameterIteratorSpec.ItemsSpec": (("raw", "inputParameter"),),
}
