{{- /* Says on a DaemonSet that its account has an admission policy. */ -}}
{{- define "nth.policyMark" -}}
aws-node-termination-handler/admission-policy
{{- end }}

{{- /* Refuses what would not work, each in one line. The policy of metadata mode would stop queue mode's pods, which
       act on all nodes; a cluster that is not asked, as in `helm template`, may call itself 1.20. */ -}}
{{- define "nth.policyChecked" }}
{{- $v := .Values }}
{{- $account := include "nth.serviceAccount" . }}
{{- if $v.admissionPolicy.create }}
{{- if $v.enableSqsTerminationDraining }}
{{- fail "admissionPolicy.create is for metadata mode alone: queue mode's pods act on all nodes, so leave it false" }}
{{- end }}
{{- if not (or $v.serviceAccount.create $v.serviceAccount.name) }}
{{- fail "admissionPolicy.create needs a service account of the handler's own: set serviceAccount.create or serviceAccount.name" }}
{{- end }}
{{- $version := .Capabilities.KubeVersion.Version }}
{{- if and (semverCompare ">= 1.21-0" $version) (semverCompare "< 1.32-0" $version) }}
{{- fail (printf "admissionPolicy.create needs Kubernetes 1.32 or later, where a token says for certain on which node its pod runs; this is %s" $version) }}
{{- end }}
{{- range (lookup "apps/v1" "Deployment" .Release.Namespace "").items }}
{{- if and (include "nth.otherRelease" (list $ .)) (include "nth.readsQueue" .) (eq $account (include "nth.accountOf" .)) }}
{{- fail (printf "admissionPolicy.create would stop the Deployment %s, which runs queue mode with the same service account %s: give each mode its own" .metadata.name $account) }}
{{- end }}
{{- end }}
{{- else if and $v.enableSqsTerminationDraining $v.serviceAccount.name }}
{{- range (lookup "apps/v1" "DaemonSet" .Release.Namespace "").items }}
{{- $marked := hasKey (.metadata.annotations | default dict) (include "nth.policyMark" .) }}
{{- if and $marked (include "nth.otherRelease" (list $ .)) (eq $account (include "nth.accountOf" .)) }}
{{- fail (printf "serviceAccount.name is %s, which the DaemonSet %s has with an admission policy (admissionPolicy.create) that would stop queue mode: give each mode its own" $account .metadata.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nth.otherRelease" -}}
{{- if ne (index . 0).Release.Name (dig "annotations" "meta.helm.sh/release-name" "" (index . 1).metadata) }}true{{ end }}
{{- end }}

{{- define "nth.accountOf" -}}
{{ .spec.template.spec.serviceAccountName | default "default" }}
{{- end }}

{{- define "nth.readsQueue" -}}
{{- range .spec.template.spec.containers }}{{ range .env }}
{{- if and (eq .name "ENABLE_SQS_TERMINATION_DRAINING") (eq (.value | default "") "true") }}true{{ end }}
{{- end }}{{ end }}
{{- end }}
