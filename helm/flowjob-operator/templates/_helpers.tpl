{{- define "flowjob.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "flowjob.selector" -}}
app.kubernetes.io/name: flowjob-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "flowjob.labels" -}}
{{ include "flowjob.selector" . }}
{{ include "flowjob.commonLabels" . }}
{{- end }}

{{- define "flowjob.commonLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Not those of the operator: its Service, its PodDisruptionBudget and its monitors select by them. */}}
{{- define "flowjob.testLabels" -}}
app.kubernetes.io/name: flowjob-operator-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{ include "flowjob.commonLabels" . }}
{{- end }}

{{/* Stays when the test failed, to be looked at. */}}
{{- define "flowjob.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "flowjob.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "flowjob.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What the operator does with the objects of the namespaces that it looks after, and no more. */}}
{{- define "flowjob.rules" -}}
- apiGroups: [flowjob.dev]
  resources: [flowjobs]
  verbs: [get, list, watch, update, delete]
- apiGroups: [flowjob.dev]
  resources: [flowsavepoints]
  verbs: [get, list, watch, create, update, delete]
- apiGroups: [flowjob.dev]
  resources: [flowclusters]
  verbs: [list, watch, update]
- apiGroups: [flowjob.dev]
  resources: [flowjobs/status, flowsavepoints/status, flowclusters/status]
  verbs: [update]
# Where the admission plugin OwnerReferencesPermissionEnforcement is on, whoever makes an owner reference that blocks deletion needs it.
- apiGroups: [flowjob.dev]
  resources: [flowjobs/finalizers, flowclusters/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch, delete]
{{- if .Values.flink.highAvailability.enabled }}
# Of the high availability of Apache Flink, by which its jobs get the right to two ConfigMaps each: nobody gives a right away that he does not have.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [update]
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get, create, patch]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, create, patch]
{{- end }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, create]
- apiGroups: [""]
  resources: [services]
  verbs: [get, create, patch]
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, create, update, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, create, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [list, create, patch]
{{- end }}

{{/* Bytes of a quantity of memory; 0 for what is none, of which the API server tells. */}}
{{- define "flowjob.bytes" -}}
{{- $text := kindIs "string" . | ternary . (printf "%f" (float64 .)) }}
{{- $factors := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 }}
{{- $factor := get $factors (regexReplaceAll "^[0-9.]+" $text "") | default 0.0 }}
{{- printf "%.0f" (mulf (regexFind "^[0-9.]+" $text | float64) $factor) }}
{{- end }}

{{/* A heap that does not fit would have the operator killed once there is much to do, long after it was installed. */}}
{{- define "flowjob.heap" -}}
{{- $limit := dig "limits" "memory" "" .Values.resources }}
{{- if $limit }}
{{- $bytes := include "flowjob.bytes" $limit | float64 }}
{{- if and (gt $bytes 0.0) (ge (mulf .Values.heapMegabytes 1048576.0) $bytes) }}
{{- fail (printf "heapMegabytes (%v) does not fit into resources.limits.memory (%v), in which the operator needs room beside its heap: lower heapMegabytes to %.0f, or raise the limit" .Values.heapMegabytes $limit (divf $bytes 1398101.0 | floor)) }}
{{- end }}
{{- end }}
{{- .Values.heapMegabytes }}
{{- end }}
