# In a volume, so that keys outlive a start; in development mode Vault would forget them.
storage "raft" {
  path    = "/vault/file/data"
  node_id = "vault"
}
listener "tcp" {
  address         = "0.0.0.0:8200"
  cluster_address = "127.0.0.1:8201"
  tls_disable     = true
}
api_addr      = "http://vault:8200"
cluster_addr  = "http://127.0.0.1:8201"
disable_mlock = true
