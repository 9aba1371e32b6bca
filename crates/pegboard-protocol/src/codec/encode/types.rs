//! Writes shapes, types, categories and operators.
//!
//! A reader fails on a name that its version does not have, so a near one is written for it: `Any` for a shape or type
//! that is unknown or gone, the inner shape for one with a completer, `ExternalArgument` for `ExternalSignature`, a
//! chapter of the same name for the category `Deprecated`. Operators have no near ones: they are errors.

use super::message::{one, text};
use crate::codec::writer::{Result, Writer};
use crate::nu::{Assignment, Category, Change, Comparison, Math, Operator, SyntaxShape, Type};

macro_rules! unit_names {
    ($value:expr, $enum:ident: $($variant:ident)*) => {
        match $value {
            $($enum::$variant => stringify!($variant),)*
            _ => "Any",
        }
    };
}

pub(super) fn shape<W: Writer>(w: &mut W, of: &SyntaxShape) -> Result {
    match of {
        SyntaxShape::List(inner) => one(w, "List", |w| shape(w, inner)),
        SyntaxShape::OneOf(shapes) => one(w, "OneOf", |w| w.list(shapes, shape)),
        SyntaxShape::Record(columns) => one(w, "Record", |w| w.list(columns, shape_column)),
        SyntaxShape::Table(columns) => one(w, "Table", |w| w.list(columns, shape_column)),
        SyntaxShape::Closure(arguments) => one(w, "Closure", |w| {
            w.option(arguments.as_deref(), |w, arguments| {
                w.list(arguments, shape)
            })
        }),
        SyntaxShape::Keyword(word, inner) => one(w, "Keyword", |w| {
            w.array(2)?;
            w.bytes(word);
            shape(w, inner)?;
            w.end_array();
            Ok(())
        }),
        SyntaxShape::CompleterWrapper(inner, command) => {
            if w.has(Change::CustomCompletion) {
                return shape(w, inner);
            }
            one(w, "CompleterWrapper", |w| {
                w.array(2)?;
                shape(w, inner)?;
                w.unsigned(command.0);
                w.end_array();
                Ok(())
            })
        }
        SyntaxShape::ExternalSignature if !w.has(Change::ExternalSignatures) => {
            external_argument(w)
        }
        SyntaxShape::ExternalArgument => external_argument(w),
        unit => {
            w.text(unit_names!(unit, SyntaxShape:
                Binary Block Boolean CellPath DateTime Directory Duration Error Expression ExternalSignature Filepath
                Filesize Float FullCellPath GlobPattern ImportPattern Int MatchBlock MathExpression Nothing Number
                Operator Range RowCondition Signature String VarWithOptType));
            Ok(())
        }
    }
}

/// New in 0.96.
fn external_argument<W: Writer>(w: &mut W) -> Result {
    w.text(if w.has(Change::Declarations) {
        "ExternalArgument"
    } else {
        "Any"
    });
    Ok(())
}

fn shape_column<W: Writer>(w: &mut W, (name, of): &(String, SyntaxShape)) -> Result {
    w.array(2)?;
    w.text(name);
    shape(w, of)?;
    w.end_array();
    Ok(())
}

pub(super) fn ty<W: Writer>(w: &mut W, of: &Type) -> Result {
    let no_blocks = w.has(Change::NoBlockType);
    match of {
        Type::List(inner) => one(w, "List", |w| ty(w, inner)),
        Type::OneOf(types) if w.has(Change::UnionTypes) => one(w, "OneOf", |w| w.list(types, ty)),
        Type::Record(columns) => one(w, "Record", |w| w.list(columns, type_column)),
        Type::Table(columns) => one(w, "Table", |w| w.list(columns, type_column)),
        Type::Custom(name) => text(w, "Custom", name),
        Type::ListStream if !w.has(Change::NoListStreamType) => {
            w.text("ListStream");
            Ok(())
        }
        Type::Signature if !no_blocks => {
            w.text("Signature");
            Ok(())
        }
        Type::Block if !no_blocks || w.has(Change::BlockType) => {
            w.text("Block");
            Ok(())
        }
        unit => {
            w.text(unit_names!(unit, Type:
                Binary Bool CellPath Closure Date Duration Error Filesize Float Glob Int Nothing Number Range String));
            Ok(())
        }
    }
}

fn type_column<W: Writer>(w: &mut W, (name, of): &(String, Type)) -> Result {
    w.array(2)?;
    w.text(name);
    ty(w, of)?;
    w.end_array();
    Ok(())
}

pub(super) fn category<W: Writer>(w: &mut W, category: &Category) -> Result {
    match category {
        Category::Custom(name) => text(w, "Custom", name),
        Category::Deprecated if !w.has(Change::DeprecatedCategory) => {
            text(w, "Custom", "deprecated")
        }
        category => {
            w.text(category.name());
            Ok(())
        }
    }
}

pub(super) fn operator<W: Writer>(w: &mut W, operator: Operator) -> Result {
    use Comparison::{Has, NotEndsWith, NotHas, NotStartsWith};
    let renamed = w.has(Change::OperatorNames);
    let concat = w.has(Change::ConcatOperators);
    let (family, name) = match operator {
        Operator::Math(math) if renamed => ("Math", math.name()),
        Operator::Math(math) => ("Math", old_math(math, concat)),
        Operator::Comparison(comparison) => {
            if let Has | NotHas = comparison {
                w.require(Change::HasOperators, comparison.name())?;
            }
            if let NotStartsWith | NotEndsWith = comparison {
                w.require(Change::NegatedMatches, comparison.name())?;
            }
            ("Comparison", comparison.name())
        }
        Operator::Boolean(boolean) => ("Boolean", boolean.name()),
        Operator::Bits(bits) => ("Bits", bits.name()),
        Operator::Assignment(assignment) if renamed => ("Assignment", assignment.name()),
        Operator::Assignment(assignment) => ("Assignment", old_assignment(assignment, concat)),
    };
    text(w, family, name)
}

fn old_math(math: Math, concat: bool) -> &'static str {
    match math {
        Math::Add => "Plus",
        Math::Subtract => "Minus",
        Math::FloorDivide => "FloorDivision",
        Math::Concatenate if concat => "Concat",
        Math::Concatenate => "Append",
        math => math.name(),
    }
}

fn old_assignment(assignment: Assignment, concat: bool) -> &'static str {
    match assignment {
        Assignment::AddAssign => "PlusAssign",
        Assignment::SubtractAssign => "MinusAssign",
        Assignment::ConcatenateAssign if concat => "ConcatAssign",
        Assignment::ConcatenateAssign => "AppendAssign",
        assignment => assignment.name(),
    }
}
