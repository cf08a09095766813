{{- /* files/rules.yaml with the chart's values: each %{name} is a value of prometheusRule, or one of these. */ -}}
{{- define "nth.rules" -}}
{{- $rules := .Values.prometheusRule }}
{{- $selector := printf "app.kubernetes.io/name=%s,app.kubernetes.io/instance=%s" (include "nth.name" .) .Release.Name }}
{{- $at := printf "--namespace %s" .Release.Namespace }}
{{- $pod := printf "{{ with $labels.pod }}{{ . }}{{ else }}--selector %s{{ end }}" $selector }}
{{- $logs := printf "kubectl logs %s --selector %s --tail=-1 --prefix" $at $selector }}
{{- $words := dict
  "job" ($rules.job | default (include "nth.name" .))
  "runbooks" (include "nth.runbooks" .)
  "namespace" .Release.Namespace
  "account" (include "nth.serviceAccount" .)
  "selector" $selector
  "one" "job, instance, pod, node"
  "who" "The handler {{ or $labels.pod $labels.instance }}{{ with $labels.node }} on node {{ . }}{{ end }}"
  "log" (printf "kubectl logs %s %s" $at $pod)
  "describe" (printf "kubectl describe pod %s %s" $at $pod)
  "logs" $logs
  "report" (printf "%s | nth report" $logs)
}}
{{- $text := .Files.Get "files/rules.yaml" }}
{{- if not $words.runbooks }}{{ $text = regexReplaceAll "(?m)^ +runbook_url: .*\n" $text "" }}{{ end }}
{{- range $name, $value := merge $words $rules }}
{{- $text = replace (printf "%%{%s}" $name) (toString $value) $text }}
{{- end }}
{{- $text }}
{{- end }}

{{- /* The page of runbooks: of this version in the repository that Chart.yaml names, unless it is a placeholder. */ -}}
{{- define "nth.runbooks" -}}
{{- $home := .Chart.Home | default "" }}
{{- $page := ternary "" (printf "%s/blob/v%s/docs/runbooks.md" $home .Chart.AppVersion) (or (not $home) (contains "MY_" $home)) }}
{{- .Values.prometheusRule.runbookURL | default $page }}
{{- end }}
