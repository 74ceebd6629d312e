/** Runs one task at a time, in the order they were handed in; a failed task does not stop the next. */
export type InOrder = <Result>(task: () => Promise<Result>) => Promise<Result>;

/** Makes a queue of its own. */
export function inOrder(): InOrder {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => undefined);
    return result;
  };
}
