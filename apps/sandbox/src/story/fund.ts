import { readFileSync } from 'node:fs';
import { fromDecimal } from '@countersign/kernel';
import { BaseError, HttpRequestError, createWalletClient, http, isAddress } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { z } from 'zod';
import { describeChain } from '../chain.ts';
import { TOKEN_ADDRESS, tokenAbi } from '../token.ts';
import { SANDBOX_FILE } from './sandbox-file.ts';

const USAGE = 'npm run fund -- <address> <amount, such as 10.00>   (while `npm start` runs)';

/** Mints sandbox money: anybody may, on a chain that lives as long as `npm start` does. */
async function main([address, amount]: readonly string[]): Promise<string> {
  if (address === undefined || amount === undefined) throw new Error(USAGE);
  if (!isAddress(address))
    throw new Error(
      `"${address}" is no address: 0x and 40 hex digits, as the command printed them`,
    );
  const atomic = fromDecimal(amount, 6);
  if (atomic === undefined) throw new Error(`"${amount}" is no amount; write it like 10.00`);
  const rpcUrl = chainUrl();
  const account = mnemonicToAccount('test test test test test test test test test test test junk', {
    addressIndex: 9,
  });
  const chain = describeChain(rpcUrl);
  const wallet = createWalletClient({ account, chain, transport: http(rpcUrl) });
  const hash = await wallet.writeContract({
    address: TOKEN_ADDRESS,
    abi: tokenAbi,
    functionName: 'mint',
    args: [address, atomic],
  });
  return `${amount} USDC of the sandbox to ${address} in ${hash}`;
}

function chainUrl(): string {
  let text: string;
  try {
    text = readFileSync(SANDBOX_FILE, 'utf8');
  } catch {
    throw new Error(`Nothing runs here (there is no ${SANDBOX_FILE}); leave \`npm start\` running`);
  }
  return z.object({ rpcUrl: z.url() }).parse(JSON.parse(text)).rpcUrl;
}

/** Errors of viem tell a sentence first, then the whole request. */
function reasonOf(error: unknown): string {
  if (error instanceof BaseError)
    return error.walk((it) => it instanceof HttpRequestError)
      ? 'The chain does not answer; `npm start` must still be running, in this folder'
      : error.shortMessage;
  return error instanceof Error ? error.message : String(error);
}

try {
  process.stdout.write(`${await main(process.argv.slice(2))}\n`);
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 1;
}
