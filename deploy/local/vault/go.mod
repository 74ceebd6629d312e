module countersign.local/vault

go 1.25.3

require github.com/hashicorp/vault v1.21.2

// Vault's own module points both at folders that it does not carry.
replace github.com/hashicorp/vault/sdk => github.com/hashicorp/vault/sdk v0.20.0

replace github.com/hashicorp/vault/api => github.com/hashicorp/vault/api v1.22.0
