/** Holds wallet keys. Knows nothing of payments: whoever calls it has proven the right to. */
export interface WalletKeys {
  readonly capabilities: {
    /** False for a keystore on the same disk as everything else: for development, and said aloud at start. */
    readonly production: boolean;
  };
  /**
   * Makes a key for the wallet, once: repeated, it returns the first key's address.
   *
   * @returns the EVM address in lower case.
   */
  create(wallet: string): Promise<string>;
  /** The wallet's address, or undefined for one this store has no key of. */
  address(wallet: string): Promise<string | undefined>;
  /**
   * Signs a 32-byte digest with secp256k1, low-s. Deterministic (RFC 6979): a second signature is the first one.
   *
   * @param digest 0x and 64 hex digits.
   * @returns 65 bytes r, s, v (27 or 28) as 0x hex.
   * @throws Fault `wallet_revoked` or `wallet_unknown`, not retryable; `keys_unavailable`, retryable.
   */
  sign(wallet: string, digest: string): Promise<string>;
  /**
   * Destroys the wallet's key, for good: every later `sign` is refused, also after a restart, and nothing this store
   * holds leads to the key any more. The address stays known. What was broken off is finished by asking again.
   *
   * @throws Fault `wallet_unknown`, not retryable; `keys_unavailable`, retryable.
   */
  revoke(wallet: string): Promise<void>;
  close(): Promise<void>;
}

/** Signs one service's statements with its own ed25519 key. */
export interface StatementKey {
  readonly capabilities: {
    /**
     * The key is in this process's own memory, and so what it returns was signed with it: no message from outside that
     * might be somebody else's. Such a signature need not be verified again where the signed text is the very same.
     */
    readonly inProcess: boolean;
  };
  readonly keyId: string;
  /** 32 bytes in base64url. */
  readonly publicKey: string;
  /** ed25519 over the UTF-8 bytes of `text`, in base64url. */
  sign(text: string): Promise<string>;
}

/** EIP-712 domain of a token contract. */
export interface TokenDomain {
  readonly name: string;
  readonly version: string;
  readonly chainId: number;
  readonly verifyingContract: string;
}

/** EIP-712 digests of the only two messages a wallet may sign, as 0x hex of 32 bytes. */
export interface TypedData {
  /** EIP-3009 `TransferWithAuthorization`. Times in seconds. */
  transferDigest(
    authorization: {
      readonly from: string;
      readonly to: string;
      readonly value: bigint;
      readonly validAfter: number;
      readonly validBefore: number;
      readonly nonce: string;
    },
    domain: TokenDomain,
  ): string;
  /** EIP-3009 `CancelAuthorization`. */
  cancellationDigest(
    authorization: { readonly from: string; readonly nonce: string },
    domain: TokenDomain,
  ): string;
}
