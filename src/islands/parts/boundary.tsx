import { Component, type ReactNode } from 'react';

interface BoundaryProps {
  /** What stands in it, as a sentence begins: `The map`. */
  what: string;
  children: ReactNode;
}

interface Fault {
  readonly error?: unknown;
}

/** A fault of ours in one part of the page leaves the others standing; the part says so and can be tried again. */
export class Boundary extends Component<BoundaryProps, Fault> {
  override readonly state: Fault = {};

  static getDerivedStateFromError(error: unknown): Fault {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    // A browser asks once for a script, however often the page does: only another page gets it.
    const lost = error instanceof TypeError && /\bmodule\b/i.test(error.message);
    const retry = (): void => (lost ? location.reload() : this.setState({ error: undefined }));
    return (
      <div className="pad failed" role="alert">
        <p>
          {this.props.what} {lost ? 'did not load' : `does not work: ${String(error)}`}. The rest of the page works, and
          your text is kept.
        </p>
        <button type="button" className="btn" onClick={retry}>
          {lost ? 'Reload the page' : 'Try again'}
        </button>
      </div>
    );
  }
}
