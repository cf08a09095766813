{{- /* The DaemonSet of one system. The dict: as in _container.tpl, and os, name, hostNetwork, dnsPolicy and what
       is this system's own: labels, annotations, selector, affinity, tolerations. */ -}}
{{- define "nth.daemonset" -}}
{{- $values := .root.Values -}}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  {{- include "nth.metadata" (list .root .name true) | nindent 2 }}
  {{- if $values.admissionPolicy.create }}
  annotations:
    {{ include "nth.policyMark" . }}: {{ include "nth.fullname" .root }}
  {{- end }}
spec:
  {{- with $values.updateStrategy }}
  updateStrategy:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "nth.selector" .root | nindent 6 }}
      kubernetes.io/os: {{ .os }}
  template:
    metadata:
      labels:
        {{- $os := dict "kubernetes.io/os" .os }}
        {{- include "nth.podLabels" (list .root $os $values.podLabels .labels) | nindent 8 }}
      {{- if or $values.podAnnotations .annotations }}
      annotations:
        {{- include "nth.merged" (list $values.podAnnotations .annotations) | nindent 8 }}
      {{- end }}
    spec:
      {{- include "nth.pod" (merge (dict "priority" $values.daemonsetPriorityClassName) .) | trim | nindent 6 }}
      hostNetwork: {{ .hostNetwork }}
      dnsPolicy: {{ $values.dnsPolicy | default .dnsPolicy }}
      {{- $selector := .selector | default $values.nodeSelector | default $values.daemonsetNodeSelector }}
      {{- $affinity := .affinity | default $values.affinity | default $values.daemonsetAffinity }}
      {{- $tolerations := .tolerations | default $values.tolerations | default $values.daemonsetTolerations }}
      {{- $placed := dict "os" .os "selector" $selector "affinity" $affinity "tolerations" $tolerations }}
      {{- include "nth.placement" $placed | nindent 6 }}
{{- end }}
