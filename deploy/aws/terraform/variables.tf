variable "name" {
  description = "Begins the name of everything that is made here; one for each cluster."
  type        = string
  default     = "aws-node-termination-handler"
}

variable "tags" {
  description = "For everything that is made here."
  type        = map(string)
  default     = {}
}

variable "retention_seconds" {
  description = "How long an unread message is kept. 48 hours is as long as a lifecycle action can last."
  type        = number
  default     = 172800

  validation {
    condition     = var.retention_seconds >= 300 && var.retention_seconds < 1209600
    error_message = "From 300 to 1209599: the dead-letter queue keeps a message for 1209600, counted from its sending."
  }
}

variable "max_receive_count" {
  description = "After so many deliveries without a deletion a message goes to the dead-letter queue."
  type        = number
  default     = 30

  validation {
    condition     = var.max_receive_count >= 10 && var.max_receive_count <= 1000
    error_message = "From 10 to 1000: a hand-over between replicas costs a delivery, too."
  }
}

variable "create_key" {
  description = "Make a customer managed key for the queues, which only the rules, the topics and the own account may use."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "A key of yours instead, with the statements EventBridge and Topics of that key; without both: SQS's own."
  type        = string
  default     = ""
}

variable "sns_topic_arns" {
  description = "Topics that may send to the queue, too."
  type        = list(string)
  default     = []
}

variable "auto_scaling_groups" {
  description = "Names of the groups that get lifecycle hooks. Not EKS managed node groups: they have their own."
  type        = set(string)
  default     = []
}

variable "termination_hook" {
  description = "The timeout is the drain's deadline; what happens when it is over."
  type = object({
    timeout_seconds = optional(number, 300)
    default_result  = optional(string, "CONTINUE")
  })
  default = {}
}

variable "launch_hook" {
  description = "Also hold new instances back until their nodes are Ready; null: no such hook, no such rule."
  type = object({
    timeout_seconds = optional(number, 600)
    default_result  = optional(string, "ABANDON")
  })
  default = null
}

variable "completable_groups" {
  description = "Whose hooks the handler may complete: a name, with * and ? as wildcards; empty: the groups with the tag aws-node-termination-handler/managed; *: all groups of the account."
  type        = string
  default     = ""
}

variable "namespace" {
  description = "The namespace of the handler's service account."
  type        = string
  default     = "kube-system"
}

variable "service_account" {
  description = "The handler's service account."
  type        = string
  default     = "aws-node-termination-handler"
}

variable "cluster_name" {
  description = "For EKS Pod Identity: the cluster. Makes a role and associates it with the service account."
  type        = string
  default     = ""
}

variable "oidc_provider_arn" {
  description = "For IAM roles for service accounts (IRSA): the cluster's OIDC provider. Makes a role."
  type        = string
  default     = ""
}
