/** One of the pages of the dashboard. It is made when it is first opened and keeps its state after that. */
export interface View {
  readonly element: HTMLElement;
  /** Called whenever the view is opened, with the query of its address. */
  open?(query: URLSearchParams): void;
  close?(): void;
  /** Images that are dropped or pasted while the view is open. */
  receive?(files: File[]): void;
}
