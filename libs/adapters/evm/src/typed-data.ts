import type { TokenDomain, TypedData } from '@countersign/ports';
import { type Address, type Hex, hashTypedData, recoverAddress } from 'viem';

const TRANSFER = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;
const CANCEL = {
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/**
 * EIP-712 digest of an EIP-3009 transfer, as 0x hex of 32 bytes. Talks to no chain, so the signer may use it.
 *
 * @throws when a field does not fit its Solidity type.
 */
export const transferDigest: TypedData['transferDigest'] = (authorization, domain) => {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  return hashTypedData({
    domain: domainOf(domain),
    types: TRANSFER,
    primaryType: 'TransferWithAuthorization',
    message: {
      from: from as Address,
      to: to as Address,
      value,
      validAfter: BigInt(validAfter),
      validBefore: BigInt(validBefore),
      nonce: nonce as Hex,
    },
  });
};

/** EIP-712 digest of the cancellation of an EIP-3009 authorization, as {@link transferDigest}. */
export const cancellationDigest: TypedData['cancellationDigest'] = ({ from, nonce }, domain) =>
  hashTypedData({
    domain: domainOf(domain),
    types: CANCEL,
    primaryType: 'CancelAuthorization',
    message: { authorizer: from as Address, nonce: nonce as Hex },
  });

/**
 * The account whose key made a signature of 65 bytes over a transfer, in lower case; undefined where none can have.
 *
 * @throws as {@link transferDigest}.
 */
export async function transferSigner(
  authorization: Parameters<TypedData['transferDigest']>[0],
  domain: TokenDomain,
  signature: string,
): Promise<string | undefined> {
  const hash = transferDigest(authorization, domain) as Hex;
  const address = await recoverAddress({ hash, signature: signature as Hex }).catch(
    () => undefined,
  );
  return address?.toLowerCase();
}

/** Both digests behind the port. */
export const typedData: TypedData = { transferDigest, cancellationDigest };

/** The four fields and no others: viem derives the domain's type from the fields it finds. */
function domainOf({ name, version, chainId, verifyingContract }: TokenDomain) {
  return { name, version, chainId, verifyingContract: verifyingContract as Address };
}
