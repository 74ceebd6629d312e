# The only role that reaches wallet keys. It makes and uses them, and destroys those of revoked wallets; it cannot
# export one, nor configure it in any other way than to let it be destroyed.
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
path "countersign/destroy/wallets/+" {
  capabilities = ["update"]
}

# P-256: never leaves Vault.
path "countersign-owners/keys/+" {
  capabilities = ["create", "read", "update", "delete"]
}
path "countersign-owners/keys/+/config" {
  capabilities = ["update"]
  allowed_parameters = {
    "deletion_allowed" = [true]
  }
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
