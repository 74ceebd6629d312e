export interface BlockRef {
  readonly number: number;
  readonly hash: string;
  readonly timeMs: number;
}

export type BlockTag = 'latest' | 'safe' | 'finalized';
