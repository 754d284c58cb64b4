package nn

import spago "github.com/nlpodyssey/spago/nn"

// Visitor is called for each parameter of a layer with its name in the
// reference's state dict, the shape it has there, and where it is kept. A
// parameter of more than two dimensions is kept as a matrix with the first
// dimension as rows; one of a single dimension as a column.
type Visitor func(name string, shape []int, p **spago.Param)
