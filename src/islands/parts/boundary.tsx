import { Component, type ReactNode } from 'react';

interface BoundaryProps {
  /** What stands in it, as a sentence begins: `The map`. */
  what: string;
  /** Called before it is tried again. */
  onRetry?: () => void;
  children: ReactNode;
}

/** A fault of ours in one part of the page leaves the others standing; the part says so and can be tried again. */
export class Boundary extends Component<BoundaryProps, { readonly error?: unknown }> {
  override readonly state: { readonly error?: unknown } = {};

  static getDerivedStateFromError(error: unknown): { readonly error: unknown } {
    return { error };
  }

  #retry = (): void => {
    this.props.onRetry?.();
    this.setState({ error: undefined });
  };

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div className="pad failed" role="alert">
        <p>
          {this.props.what} does not work: {error instanceof Error ? error.message : String(error)}. The rest of the
          page does, and your text is kept.
        </p>
        <button type="button" className="btn" onClick={this.#retry}>
          Try again
        </button>
      </div>
    );
  }
}
