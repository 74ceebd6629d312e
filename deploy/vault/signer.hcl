# The only role that reaches wallet keys. It makes and uses them; it cannot export, delete or configure one.
path "countersign-statements/keys/signer" {
  capabilities = ["read"]
}
path "countersign-statements/sign/signer" {
  capabilities = ["update"]
}

# secp256k1: made by Vault, kept wrapped, unwrapped for one signature.
path "countersign-wallets/datakey/plaintext/wallets" {
  capabilities = ["update"]
}
path "countersign-wallets/decrypt/wallets" {
  capabilities = ["update"]
}
path "countersign/data/wallets/+" {
  capabilities = ["create", "read", "update"]
}

# P-256: never leaves Vault.
path "countersign-owners/keys/+" {
  capabilities = ["create", "read", "update"]
}
path "countersign-owners/keys/+/rotate" {
  capabilities = ["update"]
}
path "countersign-owners/sign/+/sha2-256" {
  capabilities = ["update"]
}
path "countersign/data/owners/+" {
  capabilities = ["create", "read", "update"]
}
