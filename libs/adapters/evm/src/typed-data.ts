import { type Address, type Hex, hashTypedData } from 'viem';
import type { TypedData } from '@countersign/ports';

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

/** EIP-712 digests of EIP-3009 messages; talks to no chain, so the signer may use it. */
export const typedData: TypedData = {
  transferDigest(authorization, domain) {
    const { from, to, value, validAfter, validBefore, nonce } = authorization;
    return hashTypedData({
      domain: { ...domain, verifyingContract: domain.verifyingContract as Address },
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
  },
  cancellationDigest({ from, nonce }, domain) {
    return hashTypedData({
      domain: { ...domain, verifyingContract: domain.verifyingContract as Address },
      types: CANCEL,
      primaryType: 'CancelAuthorization',
      message: { authorizer: from as Address, nonce: nonce as Hex },
    });
  },
};
