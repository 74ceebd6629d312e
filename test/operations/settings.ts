import type { Service } from '@countersign/contracts';
import { z } from 'zod';
import { SETTINGS } from '../../deploy/settings.ts';

/** What a service would say to these variables: nothing, or each fault. As `--check-config` does it. */
export function faultsOf(
  service: Service,
  environment: Readonly<Record<string, string>>,
): string[] {
  const ours = Object.entries(environment).filter(([name]) => name.startsWith('COUNTERSIGN_'));
  const parsed = SETTINGS[service].safeParse(Object.fromEntries(ours));
  return parsed.success ? [] : [`${service}: ${z.prettifyError(parsed.error)}`];
}
