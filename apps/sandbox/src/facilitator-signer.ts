import { type FacilitatorEvmSigner, toFacilitatorEvmSigner } from '@x402/evm';
import {
  type Abi,
  type Address,
  type Hash,
  type Hex,
  type LocalAccount,
  type VerifyTypedDataParameters,
  concat,
  createNonceManager,
  createWalletClient,
  encodeFunctionData,
  http,
} from 'viem';
import { jsonRpc } from 'viem/nonce';
import { type Chain, describeChain } from './chain.ts';
import { inOrder } from './in-order.ts';

/**
 * The chain as `@x402/evm` wants to see it, paying gas from `account`.
 *
 * Transactions leave one after the other. viem's nonce manager takes a nonce before it estimates gas, so a settlement
 * that fails there would leave a hole behind which parallel settlements wait for ever. The nonce manager belongs to
 * this chain: viem's shared one remembers the nonces of an earlier chain with the same id.
 */
export function facilitatorSigner(
  chain: Chain,
  account: LocalAccount,
  confirmationTimeoutMs: number,
): FacilitatorEvmSigner {
  const wallet = createWalletClient({
    account: { ...account, nonceManager: createNonceManager({ source: jsonRpc() }) },
    chain: describeChain(chain.rpcUrl),
    transport: http(chain.rpcUrl),
  });
  const sendInOrder = inOrder();
  const { client } = chain;

  function send(transaction: { to: Address; data: Hex; gas?: bigint }): Promise<Hash> {
    return sendInOrder(() => wallet.sendTransaction(transaction));
  }

  return toFacilitatorEvmSigner(
    {
      address: account.address,
      getCode: (query) => client.getCode(query),
      readContract: (query) => client.readContract({ ...query, abi: query.abi as Abi }),
      verifyTypedData: (query) => client.verifyTypedData(query as VerifyTypedDataParameters),
      waitForTransactionReceipt: (query) => client.waitForTransactionReceipt(query),
      sendTransaction: send,
      writeContract: ({ address, abi, functionName, args, gas, dataSuffix }) =>
        send({
          to: address,
          data: concat([
            encodeFunctionData({ abi: abi as Abi, functionName, args }),
            dataSuffix ?? '0x',
          ]),
          ...(gas === undefined ? {} : { gas }),
        }),
    },
    { confirmationTimeoutMs },
  );
}
