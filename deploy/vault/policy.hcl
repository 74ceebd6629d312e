# policy signs its own statements, and reaches nothing else.
path "countersign-statements/keys/policy" {
  capabilities = ["read"]
}
path "countersign-statements/sign/policy" {
  capabilities = ["update"]
}
