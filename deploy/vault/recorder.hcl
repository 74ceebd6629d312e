# recorder signs its own statements, and reaches nothing else.
path "countersign-statements/keys/recorder" {
  capabilities = ["read"]
}
path "countersign-statements/sign/recorder" {
  capabilities = ["update"]
}
