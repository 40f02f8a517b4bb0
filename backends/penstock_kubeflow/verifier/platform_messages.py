"""What a PlatformSpec says of a container, as kfp-kubernetes has it."""

from __future__ import annotations

FIELDS: dict[str, dict[str, str]] = {
    "KubernetesExecutorConfig": {
        "secretAsVolume": "list SecretAsVolume",
        "secretAsEnv": "list SecretAsEnv",
        "pvcMount": "list PvcMount",
        "nodeSelector": "NodeSelector",
        "podMetadata": "PodMetadata",
        "imagePullSecret": "list ImagePullSecret",
        "imagePullPolicy": "string",
        "configMapAsVolume": "list ConfigMapAsVolume",
        "configMapAsEnv": "list ConfigMapAsEnv",
        "activeDeadlineSeconds": "int64",
        "fieldPathAsEnv": "list FieldPathAsEnv",
        "tolerations": "list Toleration",
        "genericEphemeralVolume": "list GenericEphemeralVolume",
        "nodeAffinity": "list NodeAffinityTerm",
        "podAffinity": "list PodAffinityTerm",
        "enabledSharedMemory": "EnabledSharedMemory",
        "emptyDirMounts": "list EmptyDirMount",
        "securityContext": "SecurityContext",
    },
    "SecretAsVolume": {
        "secretName": "string",
        "mountPath": "string",
        "optional": "bool",
        "secretNameParameter": "TaskInputsSpec.InputParameterSpec",
    },
    "SecretAsEnv": {
        "secretName": "string",
        "keyToEnv": "list SecretAsEnv.SecretKeyToEnvMap",
        "optional": "bool",
        "secretNameParameter": "TaskInputsSpec.InputParameterSpec",
    },
    "PvcMount": {
        "taskOutputParameter": "TaskInputsSpec.InputParameterSpec.TaskOutputParameterSpec",
        "constant": "string",
        "componentInputParameter": "string",
        "mountPath": "string",
        "pvcNameParameter": "TaskInputsSpec.InputParameterSpec",
        "subPath": "string",
    },
    "NodeSelector": {
        "labels": "map string",
        "nodeSelectorJson": "TaskInputsSpec.InputParameterSpec",
    },
    "PodMetadata": {
        "labels": "map string",
        "annotations": "map string",
    },
    "ImagePullSecret": {
        "secretName": "string",
        "secretNameParameter": "TaskInputsSpec.InputParameterSpec",
    },
    "ConfigMapAsVolume": {
        "configMapName": "string",
        "mountPath": "string",
        "optional": "bool",
        "configMapNameParameter": "TaskInputsSpec.InputParameterSpec",
    },
    "ConfigMapAsEnv": {
        "configMapName": "string",
        "keyToEnv": "list ConfigMapAsEnv.ConfigMapKeyToEnvMap",
        "configMapNameParameter": "TaskInputsSpec.InputParameterSpec",
        "optional": "bool",
    },
    "FieldPathAsEnv": {
        "name": "string",
        "fieldPath": "string",
    },
    "Toleration": {
        "key": "string",
        "operator": "string",
        "value": "string",
        "effect": "string",
        "tolerationSeconds": "int64",
        "tolerationJson": "TaskInputsSpec.InputParameterSpec",
    },
    "GenericEphemeralVolume": {
        "volumeName": "string",
        "mountPath": "string",
        "accessModes": "list string",
        "size": "string",
        "defaultStorageClass": "bool",
        "storageClassName": "string",
        "metadata": "PodMetadata",
    },
    "NodeAffinityTerm": {
        "matchExpressions": "list SelectorRequirement",
        "matchFields": "list SelectorRequirement",
        "weight": "int32",
        "nodeAffinityJson": "TaskInputsSpec.InputParameterSpec",
    },
    "PodAffinityTerm": {
        "matchPodExpressions": "list SelectorRequirement",
        "matchPodLabels": "map string",
        "topologyKey": "string",
        "namespaces": "list string",
        "matchNamespaceExpressions": "list SelectorRequirement",
        "matchNamespaceLabels": "map string",
        "weight": "int32",
        "anti": "bool",
    },
    "EnabledSharedMemory": {
        "volumeName": "string",
        "size": "string",
    },
    "EmptyDirMount": {
        "volumeName": "string",
        "mountPath": "string",
        "medium": "string",
        "sizeLimit": "string",
    },
    "SecurityContext": {
        "runAsUser": "int64",
        "runAsGroup": "int64",
        "runAsNonRoot": "bool",
    },
    "SecretAsEnv.SecretKeyToEnvMap": {
        "secretKey": "string",
        "envVar": "string",
    },
    "ConfigMapAsEnv.ConfigMapKeyToEnvMap": {
        "configMapKey": "string",
        "envVar": "string",
    },
    "SelectorRequirement": {
        "key": "string",
        "operator": "string",
        "values": "list string",
    },
}

ONE_OF: dict[str, tuple[tuple[str, ...], ...]] = {
    "PvcMount": (("taskOutputParameter", "constant", "componentInputParameter"),),
}
