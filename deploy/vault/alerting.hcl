# alerting signs the messages it sends, and reaches nothing else.
path "countersign-statements/keys/alerting" {
  capabilities = ["read"]
}
path "countersign-statements/sign/alerting" {
  capabilities = ["update"]
}
