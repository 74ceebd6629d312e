# intake signs its own statements, and reaches nothing else.
path "countersign-statements/keys/intake" {
  capabilities = ["read"]
}
path "countersign-statements/sign/intake" {
  capabilities = ["update"]
}
