// To be written.
export const path = () => "/ui/board";
