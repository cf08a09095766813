{{- /* What NOTES.txt warns of: values that do not do what they seem to. A list of sentences, as JSON. */ -}}
{{- define "nth.warnings" }}
{{- $v := .Values }}
{{- $queue := $v.enableSqsTerminationDraining }}
{{- $found := list }}
{{- range $image := list $v.image $v.windowsImage }}
{{- if regexMatch "(^|/)(aws-ec2|amazon)/aws-node-termination-handler$" ($image.repository | default "") }}
{{- $found = append $found (printf "%s is the original handler's image, another program, which needs more rights than this chart gives. Build and push an image of this handler (docs/image.md), and set image.repository and image.tag to it." $image.repository) }}
{{- end }}
{{- end }}
{{- if and $queue (not $v.queueURL) }}
{{- $found = append $found "queueURL is empty. The handler exits at its start until it names an SQS queue." }}
{{- end }}
{{- $made := include "nth.notMade" . | fromJsonArray }}
{{- $found = concat $found $made }}
{{- with include "nth.otherMode" . | fromYamlArray }}
{{- $other := ternary "metadata mode, and this is queue mode" "queue mode, and this is metadata mode" $queue }}
{{- $found = append $found (printf "%s %s no effect: %s for %s (enableSqsTerminationDraining=%t)." (join ", " .) (ternary "has" "have" (eq (len .) 1)) (ternary "it is" "they are" (eq (len .) 1)) $other $queue) }}
{{- end }}
{{- $webhook := list }}
{{- if not (or $v.webhookURL $v.webhookURLSecretName $v.webhookTargetsSecretName) }}
{{- range list "webhookHeaders" "webhookHeadersSecretName" "webhookProxy" "webhookTemplate" "webhookTemplateConfigMapName" "webhookPhases" }}
{{- if get $v . }}{{ $webhook = append $webhook . }}{{ end }}
{{- end }}
{{- end }}
{{- with $webhook }}
{{- $found = append $found (printf "Nothing is posted, so %s %s no effect: set webhookURL or webhookURLSecretName." (join ", " .) (ternary "has" "have" (eq (len .) 1))) }}
{{- end }}
{{- if ne (not $v.webhookTemplateConfigMapName) (not $v.webhookTemplateConfigMapKey) }}
{{- $found = append $found "webhookTemplateConfigMapName and webhookTemplateConfigMapKey work together only; one of them is empty." }}
{{- end }}
{{- if and $queue (ne (not $v.awsAccessKeyID) (not $v.awsSecretAccessKey)) }}
{{- $found = append $found "awsAccessKeyID and awsSecretAccessKey work together only; one of them is empty." }}
{{- end }}
{{- $needed := ternary 128.0 64.0 $queue }}
{{- $limit := (($v.resources | default dict).limits | default dict).memory }}
{{- with include "nth.mebibytes" $limit }}
{{- if lt (float64 .) $needed }}
{{- $found = append $found (printf "resources.limits.memory is %v, and the handler may be killed in the middle of a drain. Give %s mode %vMi or more." $limit (ternary "queue" "metadata" $queue) $needed) }}
{{- end }}
{{- end }}
{{- $found | toJson }}
{{- end }}

{{- /* Objects that are asked for and are not created, or have no effect. */ -}}
{{- define "nth.notMade" }}
{{- $v := .Values }}
{{- $queue := $v.enableSqsTerminationDraining }}
{{- $found := list }}
{{- range list "serviceMonitor" "podMonitor" "prometheusRule" "dashboard" }}
{{- if (get $v .).create }}
{{- if and (eq . "serviceMonitor") (not $queue) }}
{{- $found = append $found "serviceMonitor.create creates nothing in metadata mode; podMonitor.create does." }}
{{- else if and (eq . "podMonitor") $queue }}
{{- $found = append $found "podMonitor.create creates nothing in queue mode; serviceMonitor.create does." }}
{{- else if not $v.enablePrometheusServer }}
{{- $found = append $found (printf "%s.create creates nothing without enablePrometheusServer=true: there are no metrics." .) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $queue $v.podDisruptionBudget (le (int $v.replicas) 1) }}
{{- $found = append $found "podDisruptionBudget creates nothing with one replica, which it would never let go; set replicas to 2 or more." }}
{{- end }}
{{- if and $v.networkPolicy.create (not $queue) $v.useHostNetwork }}
{{- $found = append $found "networkPolicy.create does not bind pods in the host's network; set useHostNetwork=false if the metadata service allows a hop limit of 2." }}
{{- end }}
{{- $found | toJson }}
{{- end }}

{{- /* The names of values that have another than their default, and matter in the other mode only. */ -}}
{{- define "nth.otherMode" }}
{{- $values := .Values }}
{{- $mode := ternary "queue" "metadata" .Values.enableSqsTerminationDraining }}
{{- range include "nth.oneModeOnly" . | fromYamlArray }}
{{- $holder := $values }}{{ if .in }}{{ $holder = get $values .in }}{{ end }}
{{- if and (ne .mode $mode) (hasKey $holder .key) }}
{{- $value := get $holder .key }}
{{- $same := or (eq (toJson $value) (toJson .default)) (eq (toString $value) (toString .default)) }}
{{- if not (or $same (and (empty $value) (empty .default))) }}
- {{ .name }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A quantity of memory in MiB; empty if it is none or cannot be read. */ -}}
{{- define "nth.mebibytes" }}
{{- $text := include "nth.whole" . }}
{{- if regexMatch "^[0-9]+([.][0-9]+)?([KMGT]i|[kMGT])?$" $text }}
{{- $unit := regexFind "[KMGTki]*$" $text }}
{{- $bytes := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- divf (mulf (float64 (trimSuffix $unit $text)) (get $bytes $unit)) 1048576 }}
{{- end }}
{{- end }}
