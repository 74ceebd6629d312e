import { ServiceSettings, VaultSettings } from '@countersign/hosting';
import { z } from 'zod';

/** Every setting of the intake service, by environment variable. */
export const Settings = z.strictObject({ ...ServiceSettings, ...VaultSettings });
export type Settings = z.infer<typeof Settings>;
