/** A token we know by heart: decimals and EIP-712 domain come from here, never from a quote. */
export interface Asset {
  readonly network: string;
  /** Contract address in lower case. */
  readonly address: string;
  readonly symbol: string;
  readonly decimals: number;
  /** EIP-712 domain of the token contract; on Base mainnet and Base Sepolia the names differ. */
  readonly domain: { readonly name: string; readonly version: string };
}

const TABLE: readonly Asset[] = [
  {
    network: 'eip155:84532',
    address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    symbol: 'USDC',
    decimals: 6,
    domain: { name: 'USDC', version: '2' },
  },
  {
    network: 'eip155:8453',
    address: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
    symbol: 'USDC',
    decimals: 6,
    domain: { name: 'USD Coin', version: '2' },
  },
];

/** Every asset we know on a network. */
export function assetsOn(network: string): readonly Asset[] {
  return TABLE.filter((asset) => asset.network === network);
}

/** CAIP-19 id of an ERC-20 token, such as `eip155:8453/erc20:0x8335…`. */
export function assetId(network: string, address: string): string {
  return `${network}/erc20:${address.toLowerCase()}`;
}

const BY_ID = new Map(TABLE.map((asset) => [assetId(asset.network, asset.address), asset]));

/** The asset's own record, or `undefined` for one we do not know: a symbol or a look-alike is not an asset. */
export function findAsset(network: string, address: string): Asset | undefined {
  return BY_ID.get(assetId(network, address));
}
