import type { OwnerRotation, SmartAccounts } from '@countersign/ports';
import {
  type Address,
  type Hex,
  concat,
  encodeFunctionData,
  getContractAddress,
  hashTypedData,
  parseAbi,
  slice,
} from 'viem';
import { Fault } from '@countersign/kernel';
import artifact from '../../contracts/countersign-account.json' with { type: 'json' };

/**
 * The deterministic deployment proxy that stands at this address on practically every EVM chain. It takes a salt and
 * creation code, so anyone who knows the first owner finds, and deploys, the same account.
 */
export const DEPLOYER: Address = '0x4e59b44847b379578588920ca78fbf26c0b4956c';
/** One account per key: the address needs nothing else to be told apart. */
const SALT: Hex = `0x${'0'.repeat(64)}`;

const ABI = parseAbi([
  'function owner() view returns (bytes32 x, bytes32 y)',
  'function rotations() view returns (uint256)',
  'function rotateOwner(bytes32 x, bytes32 y, bytes signature, bytes acceptance)',
]);
const ROTATE_OWNER = {
  RotateOwner: [
    { name: 'x', type: 'bytes32' },
    { name: 'y', type: 'bytes32' },
    { name: 'rotation', type: 'uint256' },
  ],
} as const;

/** Code that every account has. */
export const ACCOUNT_CODE = artifact.deployedBytecode;

/** Both rules behind the port; talks to no chain, so the signer may use it. */
export const smartAccounts: SmartAccounts = {
  address: (firstOwner) =>
    getContractAddress({
      opcode: 'CREATE2',
      from: DEPLOYER,
      salt: SALT,
      bytecode: creationCode(firstOwner),
    }).toLowerCase(),
  rotationDigest({ account, chainId, newOwner, rotation }) {
    const [x, y] = coordinates(newOwner);
    return hashTypedData({
      domain: {
        name: 'Countersign Account',
        version: '1',
        chainId,
        verifyingContract: account as Address,
      },
      types: ROTATE_OWNER,
      primaryType: 'RotateOwner',
      message: { x, y, rotation: BigInt(rotation) },
    });
  },
};

/** What the deployer takes. */
export function encodeDeployment(firstOwner: string): Hex {
  return concat([SALT, creationCode(firstOwner)]);
}

export function encodeRotation(
  rotation: Omit<OwnerRotation, 'rotation'> & { signature: string; acceptance: string },
): Hex {
  const { newOwner, signature, acceptance } = rotation;
  const args = [...coordinates(newOwner), signature as Hex, acceptance as Hex] as const;
  return encodeFunctionData({ abi: ABI, functionName: 'rotateOwner', args });
}

export const OWNER_CALL = encodeFunctionData({ abi: ABI, functionName: 'owner' });
export const ROTATIONS_CALL = encodeFunctionData({ abi: ABI, functionName: 'rotations' });

function creationCode(firstOwner: string): Hex {
  return concat([artifact.bytecode as Hex, ...coordinates(firstOwner)]);
}

function coordinates(publicKey: string): readonly [Hex, Hex] {
  if (!/^0x[0-9a-f]{128}$/i.test(publicKey))
    throw new Fault('public_key_malformed', 'a P-256 public key is x and y, 64 bytes in hex', {
      retryable: false,
    });
  return [slice(publicKey as Hex, 0, 32), slice(publicKey as Hex, 32)];
}
