# What the handler may do in queue mode, and the roles for it. docs/queue-mode.md says of each action which
# feature needs it.

locals {
  pod_identity = var.cluster_name != ""
  irsa         = var.oidc_provider_arn != ""
  issuer       = element(split("oidc-provider/", var.oidc_provider_arn), 1)
}

resource "aws_iam_policy" "handler" {
  name        = var.name
  description = "What aws-node-termination-handler does in queue mode, and nothing else"
  tags        = var.tags
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "Queue"
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
          Resource = aws_sqs_queue.queue.arn
        },
        merge(
          {
            Sid      = "Hooks"
            Effect   = "Allow"
            Action   = ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"]
            Resource = "arn:${local.arn[1]}:autoscaling:${local.arn[3]}:${local.arn[4]}:autoScalingGroup:*:autoScalingGroupName/${coalesce(var.completable_groups, "*")}"
          },
          {
            for tag in ["autoscaling:ResourceTag/aws-node-termination-handler/managed"] :
            "Condition" => { StringLike = { (tag) = "*" } } if var.completable_groups == ""
          },
        ),
        # Neither can be narrowed to a resource.
        {
          Sid    = "LookUps"
          Effect = "Allow"
          Action = [
            "ec2:DescribeInstances",
            "autoscaling:DescribeLifecycleHooks",
            "autoscaling:DescribeAutoScalingInstances",
          ]
          Resource = "*"
        },
      ],
      [
        for key in local.key_arns : {
          Sid      = "Key"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = key
        }
      ],
    )
  })
}

# https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
resource "aws_iam_role" "pod_identity" {
  count = local.pod_identity ? 1 : 0
  name  = "${var.name}-pod-identity"
  tags  = var.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = {
        "aws:RequestTag/eks-cluster-name"           = var.cluster_name
        "aws:RequestTag/kubernetes-namespace"       = var.namespace
        "aws:RequestTag/kubernetes-service-account" = var.service_account
      } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "pod_identity" {
  count      = local.pod_identity ? 1 : 0
  role       = aws_iam_role.pod_identity[0].name
  policy_arn = aws_iam_policy.handler.arn
}

resource "aws_eks_pod_identity_association" "handler" {
  count           = local.pod_identity ? 1 : 0
  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.pod_identity[0].arn
}

# https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
resource "aws_iam_role" "irsa" {
  count = local.irsa ? 1 : 0
  name  = "${var.name}-irsa"
  tags  = var.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = var.oidc_provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        "${local.issuer}:sub" = "system:serviceaccount:${var.namespace}:${var.service_account}"
      } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "irsa" {
  count      = local.irsa ? 1 : 0
  role       = aws_iam_role.irsa[0].name
  policy_arn = aws_iam_policy.handler.arn
}
