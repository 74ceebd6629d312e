import { type ArgumentMetadata, StandardSchemaValidationPipe } from '@nestjs/common';
import { Rejected } from './problem.filter.ts';
import { unrecordableAt } from './unrecordable.ts';

type PathPart = PropertyKey | { readonly key: PropertyKey };

/** Reads what comes in by its schema; a fault names the field, or the parameter of the path or query it is in. */
export class ContractPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({
      exceptionFactory: (issues) =>
        new Rejected(
          issues.map(({ message, path }) => ({
            path: (path ?? []).map(partText).join('.'),
            message: message.slice(0, 300),
          })),
        ),
    });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    // What no record can hold would be a fault of ours further in.
    const unfit = unrecordableAt(value);
    if (unfit) throw new Rejected([{ ...unfit, path: unfit.path || metadata.data || '(body)' }]);
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      const whole = metadata.data ?? '(body)';
      throw new Rejected(error.errors.map((it) => ({ ...it, path: it.path || whole })));
    }
  }
}

function partText(part: PathPart): string {
  return String(typeof part === 'object' ? part.key : part);
}
