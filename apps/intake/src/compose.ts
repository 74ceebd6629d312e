import { type Composition, type Surroundings, openVault, ownKey } from '@countersign/hosting';
import { IntakeModule } from '@countersign/intake/service';
import type { Settings } from './config.ts';

/** Payments and tasks. It owes nothing: what follows an intent is owed by others. */
export async function compose(
  settings: Settings,
  { host, timers, clock, trusted }: Surroundings,
): Promise<Composition> {
  const vault = openVault(settings);
  const key = await ownKey(vault, 'intake', trusted);
  return {
    modules: [IntakeModule.with({ host, key, timers, clock })],
    duties: [],
    close: async () => vault.close(),
  };
}
