# The events that the handler reads; nothing else reaches the queue. Made by `make docs`; do not edit.

locals {
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
  patterns = merge(
    {
      spot-interruption = {
        source      = ["aws.ec2"]
        detail-type = ["EC2 Spot Instance Interruption Warning"]
      }
      rebalance-recommendation = {
        source      = ["aws.ec2"]
        detail-type = ["EC2 Instance Rebalance Recommendation"]
      }
      instance-state-change = {
        source      = ["aws.ec2"]
        detail-type = ["EC2 Instance State-change Notification"]
        detail      = { state = ["stopping", "stopped", "shutting-down", "terminated"] }
      }
      scheduled-maintenance = {
        source      = ["aws.health"]
        detail-type = ["AWS Health Event"]
        detail      = { service = ["EC2"], eventTypeCategory = ["scheduledChange"] }
      }
      termination-hook = {
        source      = ["aws.autoscaling"]
        detail-type = ["EC2 Instance-terminate Lifecycle Action"]
      }
    },
    var.launch_hook == null ? {} : {
      launch-hook = {
        source      = ["aws.autoscaling"]
        detail-type = ["EC2 Instance-launch Lifecycle Action"]
      }
    },
  )
}
