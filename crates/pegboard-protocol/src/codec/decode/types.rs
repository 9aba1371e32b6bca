//! Reads shapes, types, categories and operators. What is not known is kept by its name, for newer versions add some.

use crate::codec::reader::{Reader, Result};
use crate::nu::{
    Assignment, Bits, Boolean, Category, Comparison, DeclId, Math, Operator, SyntaxShape, Type,
};

macro_rules! unit_names {
    ($name:expr, $enum:ident: $($variant:ident)*) => {
        match $name {
            $(stringify!($variant) => Some($enum::$variant),)*
            _ => None,
        }
    };
}

/// What can be written as an argument.
pub(super) fn shape<'a, R: Reader<'a>>(r: &mut R) -> Result<SyntaxShape> {
    let tag = r.tag("a shape")?;
    let name = &*tag.name;
    let shape = match name {
        "List" if tag.has_body() => SyntaxShape::List(Box::new(shape(r)?)),
        "OneOf" if tag.has_body() => SyntaxShape::OneOf(r.list(shape)?),
        "Record" if tag.has_body() => SyntaxShape::Record(r.list(|r| column(r, shape))?),
        "Table" if tag.has_body() => SyntaxShape::Table(r.list(|r| column(r, shape))?),
        "Closure" if tag.has_body() => SyntaxShape::Closure(r.option(|r| r.list(shape))?),
        "Keyword" if tag.has_body() => keyword(r)?,
        "CompleterWrapper" if tag.has_body() => completer(r)?,
        "List" => SyntaxShape::List(Box::default()),
        "Record" => SyntaxShape::Record(Vec::new()),
        "Table" => SyntaxShape::Table(Vec::new()),
        "Closure" => SyntaxShape::Closure(None),
        name => {
            tag.skip(r)?;
            unit_shape(name).unwrap_or_else(|| SyntaxShape::Unknown(name.to_owned()))
        }
    };
    tag.close(r)?;
    Ok(shape)
}

fn unit_shape(name: &str) -> Option<SyntaxShape> {
    unit_names!(name, SyntaxShape:
        Any Binary Block Boolean CellPath DateTime Directory Duration Error Expression ExternalArgument
        ExternalSignature Filepath Filesize Float FullCellPath GlobPattern ImportPattern Int MatchBlock MathExpression
        Nothing Number Operator Range RowCondition Signature String VarWithOptType)
}

fn keyword<'a, R: Reader<'a>>(r: &mut R) -> Result<SyntaxShape> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "a keyword")?;
    let word = r.bytes()?;
    r.next(&mut cursor, "a keyword")?;
    let inner = shape(r)?;
    r.close(cursor)?;
    Ok(SyntaxShape::Keyword(word, Box::new(inner)))
}

fn completer<'a, R: Reader<'a>>(r: &mut R) -> Result<SyntaxShape> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "a shape with a completer")?;
    let inner = shape(r)?;
    r.next(&mut cursor, "a shape with a completer")?;
    let command = DeclId(r.unsigned()?);
    r.close(cursor)?;
    Ok(SyntaxShape::CompleterWrapper(Box::new(inner), command))
}

/// A column's name and what it holds.
fn column<'a, R: Reader<'a>, T>(r: &mut R, read: fn(&mut R) -> Result<T>) -> Result<(String, T)> {
    let mut cursor = r.array()?;
    r.next(&mut cursor, "a column")?;
    let name = r.string()?;
    r.next(&mut cursor, "a column")?;
    let content = read(r)?;
    r.close(cursor)?;
    Ok((name, content))
}

/// The type of a value.
pub(super) fn ty<'a, R: Reader<'a>>(r: &mut R) -> Result<Type> {
    let tag = r.tag("a type")?;
    let ty = match &*tag.name {
        "List" if tag.has_body() => Type::List(Box::new(ty(r)?)),
        "OneOf" if tag.has_body() => Type::OneOf(r.list(ty)?),
        "Record" if tag.has_body() => Type::Record(r.list(|r| column(r, ty))?),
        "Table" if tag.has_body() => Type::Table(r.list(|r| column(r, ty))?),
        "Custom" if tag.has_body() => Type::Custom(r.string()?),
        "List" => Type::List(Box::default()),
        "Record" => Type::Record(Vec::new()),
        "Table" => Type::Table(Vec::new()),
        name => {
            tag.skip(r)?;
            unit_type(name).unwrap_or_else(|| Type::Unknown(name.to_owned()))
        }
    };
    tag.close(r)?;
    Ok(ty)
}

fn unit_type(name: &str) -> Option<Type> {
    unit_names!(name, Type:
        Any Binary Block Bool CellPath Closure Date Duration Error Filesize Float Glob Int ListStream Nothing Number
        Range Signature String)
}

/// A chapter of the help. A name that is not known becomes a chapter of the plugin's own.
pub(super) fn category<'a, R: Reader<'a>>(r: &mut R) -> Result<Category> {
    let tag = r.tag("a category")?;
    let category = if tag.name == "Custom" && tag.has_body() {
        Category::Custom(r.string()?)
    } else {
        tag.skip(r)?;
        Category::ALL
            .iter()
            .find(|category| category.name() == tag.name)
            .cloned()
            .unwrap_or_else(|| Category::Custom(tag.name.clone().into_owned()))
    };
    tag.close(r)?;
    Ok(category)
}

/// An operator, by its name of any version.
pub(super) fn operator<'a, R: Reader<'a>>(r: &mut R) -> Result<Operator> {
    let tag = r.tag("an operator, such as {\"Math\": \"Add\"}")?;
    tag.body(r)?;
    let inner = r.tag("the name of an operator")?;
    let (family, name) = (&*tag.name, &*inner.name);
    let found = match family {
        "Math" => find(Math::ALL, Math::name, new_name(name)).map(Operator::Math),
        "Comparison" => find(Comparison::ALL, Comparison::name, name).map(Operator::Comparison),
        "Boolean" => find(Boolean::ALL, Boolean::name, name).map(Operator::Boolean),
        "Bits" => find(Bits::ALL, Bits::name, name).map(Operator::Bits),
        "Assignment" => {
            find(Assignment::ALL, Assignment::name, new_name(name)).map(Operator::Assignment)
        }
        family => return r.unknown(family, "family of operators"),
    };
    let Some(operator) = found else {
        return r.unknown(name, "operator");
    };
    inner.skip(r)?;
    inner.close(r)?;
    tag.close(r)?;
    Ok(operator)
}

fn find<T: Copy>(all: &[T], name_of: fn(T) -> &'static str, name: &str) -> Option<T> {
    all.iter().copied().find(|&one| name_of(one) == name)
}

/// The name since 0.103 of an operator of arithmetic or assignment that had another name before.
fn new_name(name: &str) -> &str {
    match name {
        "Plus" => "Add",
        "Minus" => "Subtract",
        "FloorDivision" => "FloorDivide",
        "Append" | "Concat" => "Concatenate",
        "PlusAssign" => "AddAssign",
        "MinusAssign" => "SubtractAssign",
        "AppendAssign" | "ConcatAssign" => "ConcatenateAssign",
        name => name,
    }
}
