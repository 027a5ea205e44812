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
  resources: [flowjobs/status, flowsavepoints/status]
  verbs: [update]
# Where the admission plugin OwnerReferencesPermissionEnforcement is on, whoever makes an owner reference that blocks deletion needs it.
- apiGroups: [flowjob.dev]
  resources: [flowjobs/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [secrets, persistentvolumeclaims]
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
  verbs: [create, patch]
{{- end }}
