import { Controller, Inject } from '@nestjs/common';
import {
  type Caller,
  Refused,
  Route,
  RouteBody,
  TheCaller,
  personOf,
} from '@countersign/service-kit';
import type { Handled } from './agent-messages.ts';
import type { MessagesDuty } from './messages.duty.ts';
import { Unattributed, type UnattributedMessage } from './unattributed.ts';

/** Where this process takes messages: who takes them; else undefined. */
export const MESSAGES = Symbol('Messages');
export type Resubmission = Pick<MessagesDuty, 'resubmit'>;

@Controller()
export class MessagesController {
  constructor(
    @Inject(Unattributed) private readonly unattributed: Unattributed,
    @Inject(MESSAGES) private readonly messages: Resubmission | undefined,
  ) {}

  @Route('listUnattributed')
  list(): { total: number; messages: readonly UnattributedMessage[] } {
    return { total: this.unattributed.total, messages: this.unattributed.newest };
  }

  @Route('resubmitMessage')
  async resubmit(
    @TheCaller() caller: Caller,
    @RouteBody('resubmitMessage') { place }: { place: string },
  ): Promise<Handled> {
    if (!this.messages) throw new Refused('not_found', 'no messages are taken here');
    return this.messages.resubmit(place, personOf(caller));
  }
}
