/** What a test asks the gRPC client process to do: `count` RPCs to `target`, `concurrency` at a time. */
export interface AskCommand {
  readonly id: number;
  readonly target: string;
  readonly count: number;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** How many RPCs each backend answered, by its name; failed ones by `<status>: <details>`. */
export interface AskReply {
  readonly id: number;
  readonly answers: Readonly<Record<string, number>>;
}

/** The one method of the test service: the request is empty, the answer is the backend's name. */
export const askPath = '/meshwork.conformance.Backend/Ask';
