{{- /* files/rules.yaml with the chart's values: each %{name} is a value of prometheusRule. */ -}}
{{- define "nth.rules" -}}
{{- $rules := .Values.prometheusRule }}
{{- $job := $rules.job | default (include "nth.name" .) }}
{{- $runbooks := $rules.runbookURL | default "docs/runbooks.md" }}
{{- $text := .Files.Get "files/rules.yaml" }}
{{- range $name, $value := merge (dict "job" $job "runbooks" $runbooks) $rules }}
{{- $text = replace (printf "%%{%s}" $name) (toString $value) $text }}
{{- end }}
{{- $text }}
{{- end }}
