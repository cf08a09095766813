# What queue mode needs of AWS: a queue, what fills it, and the right to read it. See docs/queue-mode.md.
# The same as ../queue.cfn.yaml and ../hooks.cfn.yaml; tests compare them.

locals {
  # arn:<partition>:sqs:<region>:<account>:<name>
  arn = split(":", aws_sqs_queue.queue.arn)
  # One, or none: `one` refuses both.
  key_arns = concat(aws_kms_key.queues[*].arn, compact([var.kms_key_arn]))
}

resource "aws_sqs_queue" "dead_letter" {
  name = "${var.name}-dead-letter"
  # Its clock began when the message was first sent: it must be longer than the queue's own.
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = length(local.key_arns) == 0 ? true : null
  kms_master_key_id         = one(local.key_arns)
  tags                      = var.tags
}

resource "aws_sqs_queue" "queue" {
  name                      = var.name
  message_retention_seconds = var.retention_seconds
  # The handler names its own (SQS_MSG_VISIBILITY_TIMEOUT_SEC, 20) with each call, and extends it.
  visibility_timeout_seconds = 20
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = length(local.key_arns) == 0 ? true : null
  kms_master_key_id          = one(local.key_arns)
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = var.max_receive_count
  })
  tags = var.tags
}

resource "aws_cloudwatch_event_rule" "rule" {
  for_each      = local.patterns
  name          = "${var.name}-${each.key}"
  event_pattern = jsonencode(each.value)
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "queue" {
  for_each  = aws_cloudwatch_event_rule.rule
  rule      = each.value.name
  target_id = "queue"
  arn       = aws_sqs_queue.queue.arn
}

# A hook that names the queue as its notification target sends with the hook's own role: no line here.
resource "aws_sqs_queue_policy" "queue" {
  queue_url = aws_sqs_queue.queue.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "EventBridge"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = "sqs:SendMessage"
          Resource  = aws_sqs_queue.queue.arn
          Condition = {
            StringEquals = { "aws:SourceAccount" = local.arn[4] }
            ArnEquals    = { "aws:SourceArn" = local.rule_arns }
          }
        },
      ],
      [
        for topics in [var.sns_topic_arns] : {
          Sid       = "Topics"
          Effect    = "Allow"
          Principal = { Service = "sns.amazonaws.com" }
          Action    = "sqs:SendMessage"
          Resource  = aws_sqs_queue.queue.arn
          Condition = { ArnEquals = { "aws:SourceArn" = topics } }
        } if length(topics) > 0
      ],
      [
        {
          Sid       = "OnlyEncryptedConnections"
          Effect    = "Deny"
          Principal = "*"
          Action    = "sqs:*"
          Resource  = aws_sqs_queue.queue.arn
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ],
    )
  })
}

# https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html
resource "aws_autoscaling_lifecycle_hook" "termination" {
  for_each               = var.auto_scaling_groups
  autoscaling_group_name = each.key
  name                   = "aws-node-termination-handler"
  lifecycle_transition   = "autoscaling:EC2_INSTANCE_TERMINATING"
  heartbeat_timeout      = var.termination_hook.timeout_seconds
  default_result         = var.termination_hook.default_result
}

resource "aws_autoscaling_lifecycle_hook" "launch" {
  for_each               = var.launch_hook == null ? [] : var.auto_scaling_groups
  autoscaling_group_name = each.key
  name                   = "aws-node-termination-handler-launch"
  lifecycle_transition   = "autoscaling:EC2_INSTANCE_LAUNCHING"
  heartbeat_timeout      = var.launch_hook.timeout_seconds
  default_result         = var.launch_hook.default_result
}
