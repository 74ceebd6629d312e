import { ServiceSettings, VaultSettings } from '@countersign/hosting';
import { z } from 'zod';

/** Every setting of the policy service, by environment variable. */
export const Settings = z.strictObject({
  ...ServiceSettings,
  ...VaultSettings,
  /** Such as `rediss://user:password@redis:6380`; must be set not to evict. */
  COUNTERSIGN_REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  /** Credential of the first person, who may do everything; made there when there is no such file and no such person. */
  COUNTERSIGN_OWNER_CREDENTIAL_FILE: z.string().min(1),
});
export type Settings = z.infer<typeof Settings>;
