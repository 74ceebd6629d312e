import { Controller, Inject } from '@nestjs/common';
import { Route } from '@countersign/service-kit';
import { Unattributed, type UnattributedMessage } from './unattributed.ts';

@Controller()
export class MessagesController {
  constructor(@Inject(Unattributed) private readonly unattributed: Unattributed) {}

  @Route('listUnattributed')
  list(): { total: number; messages: readonly UnattributedMessage[] } {
    return { total: this.unattributed.total, messages: this.unattributed.newest };
  }
}
