# approval signs its own statements, and reaches nothing else.
path "countersign-statements/keys/approval" {
  capabilities = ["read"]
}
path "countersign-statements/sign/approval" {
  capabilities = ["update"]
}
