import { Controller, Inject } from '@nestjs/common';
import { type ProofBundle, SERVICES } from '@countersign/contracts';
import {
  type Caller,
  Refused,
  Route,
  RouteParam,
  TheCaller,
  type TrustedKeys,
  personOf,
} from '@countersign/service-kit';
import { orRefused } from './or-refused.ts';
import { Proofs } from './proofs.ts';

export const TRUSTED = Symbol('TrustedKeys');

/** What auditors take away with them: proofs, checkpoints, and the keys to check both. */
@Controller()
export class ProofController {
  constructor(
    @Inject(Proofs) private readonly proofs: Proofs,
    @Inject(TRUSTED) private readonly trusted: TrustedKeys,
  ) {}

  @Route('readProof')
  async proof(@TheCaller() caller: Caller, @RouteParam('id') id: string): Promise<ProofBundle> {
    const { tenant } = personOf(caller);
    const bundle = await orRefused(this.proofs.bundleOf(tenant, id));
    if (!bundle) throw new Refused('payment_unknown');
    return bundle;
  }

  @Route('readCheckpoint')
  async checkpoint() {
    return { checkpoint: await orRefused(this.proofs.checkpoint()) };
  }

  @Route('readKeys')
  keys() {
    const known = [...this.trusted].map(([keyId, key]) => ({ keyId, ...key }));
    return { keys: SERVICES.flatMap((service) => known.filter((it) => it.service === service)) };
  }
}
