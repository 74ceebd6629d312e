import { readFileSync } from 'node:fs';
import { fromDecimal } from '@countersign/kernel';
import { createWalletClient, http, isAddress } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { z } from 'zod';
import { describeChain } from '../chain.ts';
import { TOKEN_ADDRESS, tokenAbi } from '../token.ts';
import { SANDBOX_FILE } from './sandbox-file.ts';

const USAGE = 'npm run fund -- <address> <amount, such as 10.00>   (while `npm start` runs)';

/** Mints sandbox money: anybody may, on a chain that lives as long as `npm start` does. */
async function main([address, amount]: readonly string[]): Promise<string> {
  const atomic = fromDecimal(amount ?? '', 6);
  if (address === undefined || !isAddress(address) || atomic === undefined) throw new Error(USAGE);
  const { rpcUrl } = z
    .object({ rpcUrl: z.url() })
    .parse(JSON.parse(readFileSync(SANDBOX_FILE, 'utf8')));
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

try {
  process.stdout.write(`${await main(process.argv.slice(2))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
