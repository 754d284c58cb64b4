package torch

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"govle/vle/checkpoint/internal/dtype"
	"govle/vle/checkpoint/internal/pickle"
)

// tensorValue is a tensor inside a pickle; it gets its name from the dict.
type tensorValue Tensor

// storageClass is torch.FloatStorage and its kin; "" is untyped, counted in bytes.
type storageClass dtype.DType

// torchDType is torch.float32 and its kin.
type torchDType dtype.DType

// storageRef is a storage as a tensor sees it: a part that begins at a byte.
type storageRef struct {
	storage *Storage
	class   storageClass
	begin   uint64 // in bytes
	bytes   uint64
}

var storageClasses = map[string]storageClass{
	"torch.DoubleStorage":          storageClass(dtype.F64),
	"torch.FloatStorage":           storageClass(dtype.F32),
	"torch.HalfStorage":            storageClass(dtype.F16),
	"torch.BFloat16Storage":        storageClass(dtype.BF16),
	"torch.LongStorage":            storageClass(dtype.I64),
	"torch.IntStorage":             storageClass(dtype.I32),
	"torch.ShortStorage":           storageClass(dtype.I16),
	"torch.CharStorage":            storageClass(dtype.I8),
	"torch.ByteStorage":            storageClass(dtype.U8),
	"torch.BoolStorage":            storageClass(dtype.Bool),
	"torch.UntypedStorage":         "",
	"torch.storage.UntypedStorage": "",
}

var torchDTypes = map[string]torchDType{
	"torch.float64": torchDType(dtype.F64), "torch.float32": torchDType(dtype.F32),
	"torch.float16": torchDType(dtype.F16), "torch.bfloat16": torchDType(dtype.BF16),
	"torch.int64": torchDType(dtype.I64), "torch.int32": torchDType(dtype.I32),
	"torch.int16": torchDType(dtype.I16), "torch.int8": torchDType(dtype.I8),
	"torch.uint8": torchDType(dtype.U8), "torch.uint16": torchDType(dtype.U16),
	"torch.uint32": torchDType(dtype.U32), "torch.uint64": torchDType(dtype.U64),
	"torch.bool": torchDType(dtype.Bool),
}

var functions = map[string]pickle.Func{
	"torch._utils._rebuild_tensor_v2":            rebuildTensor,
	"torch._utils._rebuild_tensor_v3":            rebuildTensor,
	"torch._utils._rebuild_tensor":               rebuildTensor,
	"torch._utils._rebuild_parameter":            rebuildParameter,
	"torch._utils._rebuild_parameter_with_state": rebuildParameter,
	"collections.OrderedDict":                    orderedDict,
	"torch.Size":                                 size,
}

// inertGlobals are the classes and functions that training frameworks leave
// beside the state dict: hyperparameters, metrics, paths, random states. Their
// objects become placeholders; none of their code exists here to be run.
var inertGlobals = names(`
	argparse.Namespace
	pathlib.Path pathlib.PosixPath pathlib.PurePosixPath pathlib.WindowsPath
	pathlib._local.Path pathlib._local.PosixPath
	datetime.datetime datetime.date datetime.timedelta
	collections.defaultdict collections.Counter collections.deque
	builtins.set builtins.frozenset builtins.slice builtins.range builtins.complex builtins.bytearray
	builtins.dict builtins.list builtins.tuple builtins.object
	builtins.int builtins.float builtins.bool builtins.str builtins.bytes
	__builtin__.set __builtin__.frozenset __builtin__.slice __builtin__.complex __builtin__.bytearray
	__builtin__.dict __builtin__.list __builtin__.tuple __builtin__.object
	__builtin__.int __builtin__.float __builtin__.bool __builtin__.str __builtin__.unicode
	copyreg._reconstructor copy_reg._reconstructor
	_codecs.encode
	numpy.dtype numpy.ndarray
	numpy.core.multiarray.scalar numpy.core.multiarray._reconstruct
	numpy._core.multiarray.scalar numpy._core.multiarray._reconstruct
	torch.device torch.Generator
	torch._tensor._rebuild_from_type_v2
	pytorch_lightning.utilities.parsing.AttributeDict
	lightning.pytorch.utilities.parsing.AttributeDict
	lightning_fabric.utilities.data.AttributeDict lightning.fabric.utilities.data.AttributeDict
	pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint
	pytorch_lightning.callbacks.early_stopping.EarlyStopping
	pytorch_lightning.callbacks.lr_monitor.LearningRateMonitor
	omegaconf.dictconfig.DictConfig omegaconf.listconfig.ListConfig
	omegaconf.base.ContainerMetadata omegaconf.base.Metadata omegaconf.nodes.AnyNode
	typing.Any
`)

func names(text string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(text) {
		m[n] = true
	}
	return m
}

// resolver answers a pickle's questions. storage finds or makes the storage of
// a key that must hold the given number of bytes.
type resolver struct {
	inert   map[string]bool
	storage func(key string, bytes uint64) (*Storage, error)
}

func newResolver(inert []string, storage func(string, uint64) (*Storage, error)) *resolver {
	r := &resolver{inert: map[string]bool{}, storage: storage}
	for _, n := range inert {
		r.inert[n] = true
	}
	return r
}

// Global implements the allow-list.
func (r *resolver) Global(module, name string) (any, error) {
	full := module + "." + name
	if f, ok := functions[full]; ok {
		return f, nil
	}
	if c, ok := storageClasses[full]; ok {
		return c, nil
	}
	if d, ok := torchDTypes[full]; ok {
		return d, nil
	}
	if inertGlobals[full] || r.inert[full] {
		return &pickle.Inert{Module: module, Name: name}, nil
	}
	return nil, fmt.Errorf("global %.100q is not on the list of what a checkpoint may name: the file asks for code that is no part of a state dict "+
		"(if it is a harmless class of your own training script, name it in Options.Inert to skip its objects, or save only the state dict)", full)
}

// Persistent answers ("storage", class, key, location, size[, view]).
func (r *resolver) Persistent(id any) (any, error) {
	t, ok := id.(pickle.Tuple)
	if !ok || len(t) < 5 || len(t) > 6 || t[0] != "storage" {
		return nil, errors.New("a persistent id that is not a storage")
	}
	class, ok1 := t[1].(storageClass)
	key, ok2 := t[2].(string)
	n, ok3 := t[4].(int64)
	if !ok1 || !ok2 || !ok3 {
		return nil, fmt.Errorf("a storage described by (%s, %s, %s)", pickle.Kind(t[1]), pickle.Kind(t[2]), pickle.Kind(t[4]))
	}
	bytes, err := class.bytes(n)
	if err != nil {
		return nil, fmt.Errorf("storage %.40q: %w", key, err)
	}
	s, err := r.storage(key, bytes)
	if err != nil {
		return nil, err
	}
	if s.bytes != bytes {
		return nil, fmt.Errorf("storage %.40q is said to have %d bytes and then %d", key, s.bytes, bytes)
	}
	ref := storageRef{storage: s, class: class, bytes: bytes}
	if len(t) < 6 || t[5] == nil {
		return ref, nil
	}
	return ref.view(t[5])
}

// view narrows a storage to (key, offset, size), as legacy files may.
func (ref storageRef) view(meta any) (any, error) {
	t, ok := meta.(pickle.Tuple)
	if !ok || len(t) != 3 {
		return nil, errors.New("a storage view that is not (key, offset, size)")
	}
	offset, ok1 := t[1].(int64)
	n, ok2 := t[2].(int64)
	if !ok1 || !ok2 {
		return nil, errors.New("a storage view that is not (key, offset, size)")
	}
	begin, err := ref.class.bytes(offset)
	if err != nil {
		return nil, err
	}
	bytes, err := ref.class.bytes(n)
	if err != nil {
		return nil, err
	}
	if begin > ref.bytes || bytes > ref.bytes-begin {
		return nil, fmt.Errorf("a view of elements [%d, +%d) of a storage of %d bytes", offset, n, ref.bytes)
	}
	ref.begin, ref.bytes = begin, bytes
	return ref, nil
}

// bytes is the size of n elements.
func (c storageClass) bytes(n int64) (uint64, error) {
	size := int64(1)
	if c != "" {
		size = int64(dtype.DType(c).Size())
	}
	if n < 0 || n > math.MaxInt64/size {
		return 0, fmt.Errorf("%d elements of %d bytes", n, size)
	}
	return uint64(n * size), nil
}

// rebuildTensor is torch._utils._rebuild_tensor, _v2 and _v3:
// (storage, offset, size, stride[, requires_grad, hooks[, dtype[, metadata]]]).
func rebuildTensor(args pickle.Tuple) (any, error) {
	if len(args) < 4 || len(args) > 8 {
		return nil, fmt.Errorf("a tensor made of %d arguments", len(args))
	}
	ref, ok1 := args[0].(storageRef)
	offset, ok2 := args[1].(int64)
	shape, err1 := ints(args[2])
	stride, err2 := ints(args[3])
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("a tensor made of (%s, %s, …)", pickle.Kind(args[0]), pickle.Kind(args[1]))
	}
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	d := dtype.DType(ref.class)
	if len(args) > 6 {
		if v, ok := args[6].(torchDType); ok {
			d = dtype.DType(v)
		}
	}
	if d.Size() == 0 {
		return nil, errors.New("a tensor on an untyped storage without a dtype")
	}
	size := uint64(d.Size())
	if ref.begin%size != 0 {
		return nil, fmt.Errorf("a %s tensor that begins at byte %d of its storage", d, ref.begin)
	}
	if err := checkView(offset, shape, stride, ref.bytes/size); err != nil {
		return nil, err
	}
	// The sum stays below the storage's size: checkView has bounded offset,
	// but for empty tensors, which have no elements to place.
	at := ref.begin/size + min(uint64(offset), ref.bytes/size)
	return &tensorValue{DType: d, Shape: shape, Stride: stride, Offset: int(at), Storage: ref.storage}, nil
}

// rebuildParameter is torch._utils._rebuild_parameter: (tensor, requires_grad, hooks[, state]).
func rebuildParameter(args pickle.Tuple) (any, error) {
	if len(args) < 3 || len(args) > 4 {
		return nil, fmt.Errorf("a parameter made of %d arguments", len(args))
	}
	if _, ok := args[0].(*tensorValue); !ok {
		return nil, fmt.Errorf("a parameter made of a %s", pickle.Kind(args[0]))
	}
	return args[0], nil
}

// orderedDict is collections.OrderedDict: empty, or of a list of pairs.
func orderedDict(args pickle.Tuple) (any, error) {
	d := &pickle.Dict{}
	if len(args) == 0 {
		return d, nil
	}
	list, ok := args[0].(*pickle.List)
	if !ok || len(args) > 1 {
		return nil, fmt.Errorf("an OrderedDict made of a %s", pickle.Kind(args[0]))
	}
	for _, item := range list.Items {
		var pair []any
		switch p := item.(type) {
		case pickle.Tuple:
			pair = p
		case *pickle.List:
			pair = p.Items
		}
		if len(pair) != 2 {
			return nil, errors.New("an OrderedDict made of something else than pairs")
		}
		d.Set(pair[0], pair[1])
	}
	return d, nil
}

// size is torch.Size: the tuple that it is made of.
func size(args pickle.Tuple) (any, error) {
	if len(args) == 0 {
		return pickle.Tuple{}, nil
	}
	if t, ok := args[0].(pickle.Tuple); ok && len(args) == 1 {
		return t, nil
	}
	return nil, errors.New("a torch.Size that is not made of a tuple")
}

func ints(v any) ([]int, error) {
	var items []any
	switch t := v.(type) {
	case pickle.Tuple:
		items = t
	case *pickle.List:
		items = t.Items
	default:
		return nil, fmt.Errorf("a %s where a tuple of integers must stand", pickle.Kind(v))
	}
	if len(items) > maxRank {
		return nil, fmt.Errorf("a tensor of %d dimensions", len(items))
	}
	out := make([]int, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok || int64(int(n)) != n {
			return nil, fmt.Errorf("a %s where an integer must stand", pickle.Kind(item))
		}
		out[i] = int(n)
	}
	return out, nil
}
