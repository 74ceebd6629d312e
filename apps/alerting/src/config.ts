import { NotifierSettings, ServiceSettings } from '@countersign/hosting';
import type { z } from 'zod';

/** Every setting of the alerting service, by environment variable. */
export const Settings = ServiceSettings.safeExtend(NotifierSettings);
export type Settings = z.infer<typeof Settings>;
