# settlement signs its own statements, and reaches nothing else.
path "countersign-statements/keys/settlement" {
  capabilities = ["read"]
}
path "countersign-statements/sign/settlement" {
  capabilities = ["update"]
}
