output "queue_url" {
  description = "For QUEUE_URL."
  value       = aws_sqs_queue.queue.url
}

output "queue_arn" {
  description = "Where another rule or topic may send to."
  value       = aws_sqs_queue.queue.arn
}

output "dead_letter_queue_url" {
  description = "What nobody deleted ends here."
  value       = aws_sqs_queue.dead_letter.url
}

output "handler_policy_arn" {
  description = "For a role of your own."
  value       = aws_iam_policy.handler.arn
}

output "pod_identity_role_arn" {
  description = "Associated with the service account already; null without a cluster_name."
  value       = one(aws_iam_role.pod_identity[*].arn)
}

output "irsa_role_arn" {
  description = "For the service account's annotation eks.amazonaws.com/role-arn; null without an oidc_provider_arn."
  value       = one(aws_iam_role.irsa[*].arn)
}
