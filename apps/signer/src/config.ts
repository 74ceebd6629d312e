import { Atomic } from '@countersign/contracts';
import { ChainSettings, ServiceSettings, count } from '@countersign/hosting';
import type { z } from 'zod';

/** Every setting of the signer, by environment variable. */
export const Settings = ServiceSettings.safeExtend({
  ...ChainSettings,
  /** Most one payment may move, in atomic units of its token. */
  COUNTERSIGN_CEILING_PER_PAYMENT: Atomic,
  /** Most one wallet may sign away in 24 hours, in atomic units of each token. */
  COUNTERSIGN_CEILING_PER_DAY: Atomic,
  /** How long the key of a revoked wallet is kept at least, unused, before it is destroyed. */
  COUNTERSIGN_REVOKED_KEY_KEPT_HOURS: count(0, 8_760).default(24),
}).refine(
  (it) => BigInt(it.COUNTERSIGN_CEILING_PER_PAYMENT) <= BigInt(it.COUNTERSIGN_CEILING_PER_DAY),
  {
    path: ['COUNTERSIGN_CEILING_PER_PAYMENT'],
    message: 'above COUNTERSIGN_CEILING_PER_DAY: no payment could reach it',
  },
);
export type Settings = z.infer<typeof Settings>;
