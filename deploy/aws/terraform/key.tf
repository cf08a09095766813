# A key for the queues. Its conditions keep EventBridge and SNS from using it for somebody else's rules and topics.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html

locals {
  rule_arns = [for rule in aws_cloudwatch_event_rule.rule : rule.arn]
  # arn:<partition>:events:<region>:<account>:rule/<name>
  rule_arn = split(":", local.rule_arns[0])
}

resource "aws_kms_key" "queues" {
  count               = var.create_key ? 1 : 0
  description         = "The queues of aws-node-termination-handler"
  enable_key_rotation = true
  tags                = var.tags
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        # Who may administer the key, or use it, is up to this account's IAM policies.
        {
          Sid       = "Account"
          Effect    = "Allow"
          Principal = { AWS = "arn:${local.rule_arn[1]}:iam::${local.rule_arn[4]}:root" }
          Action    = "kms:*"
          Resource  = "*"
        },
        {
          Sid       = "EventBridge"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
          Resource  = "*"
          Condition = {
            StringEquals = { "aws:SourceAccount" = local.rule_arn[4] }
            ArnEquals    = { "aws:SourceArn" = local.rule_arns }
          }
        },
      ],
      [
        for topics in [var.sns_topic_arns] : {
          Sid       = "Topics"
          Effect    = "Allow"
          Principal = { Service = "sns.amazonaws.com" }
          Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
          Resource  = "*"
          Condition = { ArnEquals = { "aws:SourceArn" = topics } }
        } if length(topics) > 0
      ],
    )
  })
}
